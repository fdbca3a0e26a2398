"""Runs a program that ends with its parent: `python -I -S launch.py SIGNAL PARENT USER:GROUP PROGRAM ARGUMENT...`.

This is a program of its own and not a `preexec_fn`, which may deadlock where the parent has threads. It imports the
standard library alone, before it gives up root: after that the library may be out of its reach.
"""

import ctypes
import os
import sys

SAME_USER = "-"
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(signal: str, parent: str, owner: str, *argv: str) -> None:
    """Becomes `argv` as `owner`; on Linux it gets `signal` when the thread that started it ends."""
    if owner != SAME_USER:
        user, group = map(int, owner.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if sys.platform == "linux":
        # After setuid, which would clear it; before the look at the parent, which may have gone in between.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal))
        if os.getppid() != int(parent):
            sys.exit("The parent ended first.")
    os.execv(argv[0], argv)  # noqa: S606 - a list that our parent built


if __name__ == "__main__":
    main(*sys.argv[1:])

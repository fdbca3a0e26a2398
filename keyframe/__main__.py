"""The `keyframe` command, and `python -m keyframe`."""

import sys

from keyframe import INTERRUPTED


def main() -> None:
    """Runs the command. It is imported here, which takes seconds, so that Ctrl-C is quiet from the first one on."""
    try:
        from keyframe import cli  # noqa: PLC0415

        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()

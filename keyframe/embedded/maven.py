"""Jars from Maven's repository, by jgo: the address is jgo's, never ours."""

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import requests

from keyframe.embedded.jars import DownloadFailed, Jar

with warnings.catch_warnings():
    # A library of jgo's warns at its import wherever there is no XDG_RUNTIME_DIR, as in a container.
    warnings.simplefilter("ignore")
    from jgo.maven import MavenContext, PythonResolver

_TIMEOUT = 15  # seconds for a connection, and for a silence within one


def download(jar: Jar, folder: Path, received: Callable[[int], None]) -> Path:
    """Where the file of `jar` lies in `folder`, unchecked; `received` is told of bytes and may raise to stop.

    Blocks: it belongs in a thread.

    Raises:
        DownloadFailed: the repository cannot be reached, or lacks the jar.
    """

    @contextmanager
    def count(_name: str, _size: int) -> Generator[Callable[[int], None]]:
        yield received

    context = MavenContext(
        resolver=PythonResolver(progress_callback=count), repo_cache=folder, local_repos=[], timeout=_TIMEOUT
    )
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(packaging="jar")
    try:
        return artifact.resolve()
    except requests.RequestException as error:
        raise DownloadFailed("the Maven repository cannot be reached") from error
    except RuntimeError as error:  # jgo's word for a status that is not 200
        raise DownloadFailed(f"the Maven repository has no {jar.name}") from error

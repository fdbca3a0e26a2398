"""What the embedded parts say while they start; how it looks is the command line's."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Downloading:
    """Files come in for the first time, or to replace damaged ones.

    Args:
        what: "Apache Kafka 4.1.1".
        finished, files: how many of how many are in place.
        received: bytes so far, those of failed tries with them.
        size: bytes in all, where that is known.
    """

    what: str
    finished: int
    files: int
    received: int
    size: int | None


@dataclass(frozen=True)
class Starting:
    """A part does something that takes a moment.

    Args:
        part: "Kafka" or "Postgres".
        doing: "is being initialised".
    """

    part: str
    doing: str


@dataclass(frozen=True)
class Ready:
    """A part answers.

    Args:
        part: "Kafka" or "Postgres".
        address: host:port.
        seconds: since its start began.
    """

    part: str
    address: str
    seconds: float


Progress = Downloading | Starting | Ready


class Report(Protocol):
    """Is told of progress, always on the event loop's thread; it must neither block nor raise."""

    def __call__(self, progress: Progress, /) -> None:
        """Shows `progress`."""
        ...


def silent(progress: Progress, /) -> None:
    """A `Report` that shows nothing."""

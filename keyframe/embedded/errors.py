"""Why an embedded part is not there. Each message is for the person at the terminal and says what to do."""

from pathlib import Path


class EmbeddedError(Exception):
    """An embedded part cannot be had."""


class FolderInUse(EmbeddedError):
    """Another KeyFrame holds this data folder."""

    def __init__(self, folder: Path, holder: int | None) -> None:
        by = f"process {holder}" if holder else "another process"
        super().__init__(
            f"The data folder {folder} is in use by {by}:"
            " stop that KeyFrame first, or set KEYFRAME_DATA to another folder."
        )
        self.folder = folder
        self.holder = holder


class JarsUnavailable(EmbeddedError):
    """Kafka's jars can neither be found in the cache nor downloaded."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Apache Kafka could not be downloaded: {reason}. Go online once,"
            " or set KEYFRAME_KAFKA_BOOTSTRAP to the host:port of a Kafka that already runs."
        )


class PartFailed(EmbeddedError):
    """A program of a part ended, or did not get ready, when it should have.

    Args:
        part: its name ("Kafka").
        what: what it did ("ended with status 1").
        log: the file that holds its output.
        tail: the last lines of that file.
    """

    def __init__(self, part: str, what: str, *, log: Path, tail: str) -> None:
        super().__init__(f"{part} {what}. The last lines of {log}:\n{tail or '(empty)'}")
        self.part = part
        self.log = log
        self.tail = tail


class PortTaken(PartFailed):
    """Another program took the port between the choice and the bind."""

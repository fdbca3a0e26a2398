"""The three ways in which a record fails. Only adapters translate foreign errors into them.

The message is for the user who asked for the video: one sentence, without a secret.
"""


class StageError(Exception):
    """A record failed in a way that its adapter understood."""


class Transient(StageError):
    """This record may succeed later: it is tried again, then parked."""


class Permanent(StageError):
    """This record will never succeed: it is parked at once."""


class Unavailable(StageError):
    """The provider, store or network is away, limits us or refuses us: the next record would meet the same.

    Args:
        message: what is wrong, in one sentence.
        on: who is away ("polly", "object store"), as the status names it.
        retry_after: seconds to wait before the next try, where the other side said so.
        refused: it is us whom they refuse (key, quota, model): somebody has to mend that, so patience
            does not end, and nothing is tried before a preflight has passed.
    """

    def __init__(self, message: str, *, on: str, retry_after: float | None = None, refused: bool = False) -> None:
        super().__init__(message)
        self.on = on
        self.retry_after = retry_after
        self.refused = refused

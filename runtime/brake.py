"""The brake: after so many unexpected errors in a row the stage stops, so that a bad deploy cannot
drain a topic into the dead-letter queue. (Idea: getsentry/arroyo.)"""

from dataclasses import dataclass


@dataclass
class Brake:
    """Counts errors that nobody translated; refusals and known failures do not count."""

    limit: int
    in_a_row: int = 0
    unplaced: int = 0
    """Tries in a row to emit or to park a record that failed: its partition does not move."""

    @property
    def on(self) -> bool:
        return self.in_a_row >= self.limit

    def unexpected(self) -> None:
        self.in_a_row += 1

    def worked(self) -> None:
        """A record came to an outcome without a bug."""
        if not self.on:
            self.in_a_row = 0

"""The port of moderation, and the adapter that lets everything pass."""

from collections.abc import Sequence
from typing import Protocol

from runtime.preflight import Preflight


class Moderator(Preflight, Protocol):
    """Looks whether texts may be told."""

    async def review(self, texts: Sequence[str]) -> None:
        """Returns where all of them may.

        Raises:
            Permanent: one may not, with the category in plain words.
            Transient: the answer was not usable; another may be.
            Unavailable: the provider is away, limits us or refuses us.
        """
        ...


class NoModerator:
    """Lets everything pass."""

    async def preflight(self) -> None:
        """It needs nothing."""

    async def review(self, texts: Sequence[str]) -> None:
        """Looks at nothing."""


def refusal(categories: Sequence[str]) -> str:
    """The sentence for the user."""
    return f"the text is refused by moderation: {', '.join(categories)}"

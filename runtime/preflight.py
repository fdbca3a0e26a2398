"""Looking whether a provider would serve us, before any paid call and without spending money."""

from typing import Protocol


class Preflight(Protocol):
    """What every adapter of a remote provider can do."""

    async def preflight(self) -> None:
        """Returns where the provider would serve us.

        Raises:
            Unavailable: a wrong key, an unknown model, a missing bucket, an address that cannot be
                reached: one sentence, with the remedy.
        """
        ...


class Provider(Preflight, Protocol):
    """One of a stage's providers."""

    @property
    def name(self) -> str:
        """The provider, as settings and the manifest name it."""
        ...

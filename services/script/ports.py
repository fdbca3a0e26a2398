"""What the script stage needs."""

from dataclasses import dataclass
from typing import Protocol

from schemas.media import Attribution
from schemas.options import Style


@dataclass(frozen=True)
class Brief:
    """What is to be written."""

    prompt: str
    style: Style
    language: str
    scene_count: int
    source_text: str | None = None


@dataclass(frozen=True)
class DraftScene:
    """One scene as the writer has it."""

    narration: str
    image_prompt: str


@dataclass(frozen=True)
class Draft:
    """A title and scenes, as many as the brief asks for where the material reaches."""

    title: str
    description: str
    scenes: tuple[DraftScene, ...]
    attributions: tuple[Attribution, ...] = ()


class ScriptWriter(Protocol):
    """Writes a script."""

    @property
    def name(self) -> str:
        """The provider, as the manifest names it."""
        ...

    async def write(self, brief: Brief) -> Draft:
        """Writes what the brief asks for.

        Raises:
            Permanent: it cannot be written, and why, in the user's terms.
            Transient: the answer was not usable; another may be.
            Unavailable: the provider is away, limits us or refuses us.
        """
        ...

"""What the script stage needs."""

from dataclasses import dataclass
from typing import Protocol

from runtime.bill import Bill
from runtime.preflight import Provider
from schemas.media import DEFAULT_TARGET_SECONDS, Attribution
from schemas.options import Style


@dataclass(frozen=True)
class Brief:
    """What is to be written."""

    prompt: str
    style: Style
    language: str
    scene_count: int
    source_text: str | None = None
    target_seconds: int = DEFAULT_TARGET_SECONDS
    """How long the narration should take to say."""
    fresh: int | None = None
    """The revision that another script was asked for with."""


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

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything in it that is told, shown or read."""
        told = (text for scene in self.scenes for text in (scene.narration, scene.image_prompt))
        return (self.title, self.description, *told)


class ScriptWriter(Provider, Protocol):
    """Writes a script."""

    @property
    def model(self) -> str:
        """What writes, with its version: part of what makes a draft the same draft."""
        ...

    async def write(self, brief: Brief, bill: Bill) -> Draft:
        """Writes what the brief asks for; paid calls go on the bill.

        Raises:
            Permanent: it cannot be written, and why, in the user's terms.
            Transient: the answer was not usable; another may be.
            Unavailable: the provider is away, limits us or refuses us.
        """
        ...


@dataclass(frozen=True)
class Article:
    """A text to tell, and where it comes from."""

    text: str
    attribution: Attribution


class Encyclopedia(Protocol):
    """Finds what is known of a topic."""

    async def find(self, topic: str, language: str) -> Article:
        """The article that tells most of `topic`, in the language (BCP 47) that is asked for.

        Raises:
            Permanent: there is none, or no network to reach it over.
            Transient: the answer was not usable; another may be.
            Unavailable: the encyclopedia is away or limits us.
        """
        ...

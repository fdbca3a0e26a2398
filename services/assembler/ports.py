"""What the assembler stage needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.media import AspectRatio, Word

Report = Callable[[float], Awaitable[None]]
"""Is told what part of the work is done, 0 to 1."""


@dataclass(frozen=True)
class FilmScene:
    """A scene's material, on this machine's disk."""

    picture: Path
    speech: Path
    """Mono 16-bit WAV."""
    words: tuple[Word, ...]
    """In seconds from the start of the speech; none where the speaker gave no timings."""
    caption: str


@dataclass(frozen=True)
class Film:
    """What is to be rendered."""

    aspect: AspectRatio
    scenes: tuple[FilmScene, ...]
    seed: int
    """What the camera's moves are drawn from."""


@dataclass(frozen=True)
class Rendered:
    """The finished files."""

    video: Path
    thumbnail: Path
    captions_vtt: Path
    captions_srt: Path
    duration: float
    """Seconds."""


class Renderer(Protocol):
    """Makes a video out of pictures and speech."""

    @property
    def recipe(self) -> str:
        """What renders, with its version and preset: part of what makes a video the same video."""
        ...

    async def render(self, film: Film, folder: Path, report: Report) -> Rendered:
        """The files of a film, made in a folder that is its own. Raises the three errors."""
        ...

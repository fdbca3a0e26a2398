"""The sample scripts: written by hand, with their sources, for the topics that are asked for first."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.media import MAX_SCENES, Attribution
from services.script.ports import Draft, DraftScene
from services.script.prompts import stems, topic_words

COVERED = 0.5
"""A sample is told where it knows more than this share of the words that name the prompt's topic."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleScene(_Data):
    """A scene of a sample."""

    rank: Annotated[int, Field(ge=1, le=MAX_SCENES)]
    """1 is told in every version, 20 only where twenty scenes are asked for."""
    say: str
    show: str
    styled: Mapping[str, str] = {}
    """What is said instead in a style, by its name."""


class Sample(_Data):
    """A script with material for 3 to 20 scenes, in the order in which they are told."""

    title: str
    titled: Mapping[str, str] = {}
    """The title in a style, by its name."""
    description: str
    topics: tuple[str, ...]
    """What it is about; a prompt names one of these, word for word."""
    related: str
    """Words that a prompt may use beside the topic without asking for something else."""
    sources: tuple[Attribution, ...]
    scenes: tuple[SampleScene, ...]

    def draft(self, style: str, scene_count: int) -> Draft:
        """The script in so many scenes; a style that a scene is not written in is told plainly."""
        return Draft(
            title=self.titled.get(style, self.title),
            description=self.description,
            scenes=tuple(
                DraftScene(scene.styled.get(style, scene.say), scene.show)
                for scene in self.scenes
                if scene.rank <= scene_count
            ),
            attributions=self.sources,
        )

    def coverage(self, prompt: str) -> float:
        """How much of the prompt's topic it knows, 0 to 1; 0 where the prompt names none of its topics."""
        asked = stems(" ".join(topic_words(prompt)))
        if not asked or not any(_contains(stems(prompt), stems(topic)) for topic in self.topics):
            return 0.0
        known = {*stems(self.related), *(word for topic in self.topics for word in stems(topic))}
        return sum(word in known for word in asked) / len(asked)


@cache
def samples() -> Mapping[str, Sample]:
    """All samples by the names of their files, in the order of the alphabet."""
    folder = files("services.script").joinpath("samples")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {
        name.removesuffix(".toml"): Sample(**tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8")))
        for name in found
    }


def sample_for(prompt: str) -> Sample | None:
    """The sample that knows most of the prompt's topic, or None where the prompt asks for something else."""
    best = max(samples().values(), key=lambda sample: sample.coverage(prompt), default=None)
    return best if best is not None and best.coverage(prompt) > COVERED else None


def _contains(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the phrase stands in the words, one word after the other."""
    return any(words[start : start + len(phrase)] == phrase for start in range(len(words) - len(phrase) + 1))

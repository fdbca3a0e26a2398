"""The script stage at its seam: a request and a writer in, an event out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from runtime.artefacts import Artefacts
from runtime.bill import Bill
from runtime.errors import Permanent, StageError, Transient, Unavailable
from runtime.fallback import Fallback
from runtime.folder_objects import FolderObjects
from runtime.moderation import Moderator
from runtime.moderation.wordlist import WordList
from runtime.settings import InvalidSetting
from schemas.media import Attribution
from schemas.options import styles
from services.script.app import ScriptSettings, build
from services.script.offline_writer import WAYS_ON, OfflineWriter
from services.script.ports import Article, Brief, Draft, DraftScene
from services.script.service import Ports, write_script
from tests.builders import job_id, video_requested

ESSAY = (Path(__file__).parent.parent / "data" / "article_essay.txt").read_text(encoding="utf-8")


def draft(*narrations: str, title: str = "A title") -> Draft:
    return Draft(title, "What it is about.", tuple(DraftScene(text, f"A picture of {text}") for text in narrations))


@dataclass
class FakeWriter:
    """Writes what it is told to, and counts."""

    draft: Draft
    name: str = "fake"
    model: str = "fake-1"
    briefs: list[Brief] = field(default_factory=list[Brief])

    async def preflight(self) -> None: ...

    async def write(self, brief: Brief, bill: Bill) -> Draft:
        self.briefs.append(brief)
        return self.draft


@dataclass
class Seam:
    """The ports of the stage over a folder, and what it told the user."""

    folder: Path
    moderator: Moderator = field(default_factory=WordList)
    steps: list[tuple[int, int, str, str | None]] = field(default_factory=list[tuple[int, int, str, str | None]])

    async def progress(self, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        self.steps.append((step, steps, label, artefact))

    def ports(self, writer: FakeWriter | OfflineWriter) -> Ports:
        return Ports(
            Fallback([writer], timedelta(0)).chain(),
            self.moderator,
            Artefacts(FolderObjects(self.folder), job_id()),
            self.progress,
        )


@pytest.fixture
def seam(tmp_path: Path) -> Seam:
    return Seam(tmp_path)


async def test_the_draft_becomes_the_script(seam: Seam) -> None:
    writer = FakeWriter(draft("One reef.", "Two reefs.", "Three reefs."))
    script = await write_script(video_requested(style="Meme", scene_count=3), seam.ports(writer))
    assert (script.title, script.writer, script.look) == ("A title", "fake", styles()["Meme"].look)
    assert [scene.index for scene in script.scenes] == [0, 1, 2]
    assert [scene.caption for scene in script.scenes] == ["One reef.", "Two reefs.", "Three reefs."]
    assert script.scenes[0].image_prompt == "A picture of One reef."
    assert script.job_id == job_id()


async def test_the_source_text_is_not_carried_on(seam: Seam) -> None:
    writer = FakeWriter(draft("One reef."))
    script = await write_script(video_requested(source_text="My text."), seam.ports(writer))
    assert writer.briefs[0].source_text == "My text."
    assert "source_text" not in script.model_dump()


async def test_the_stored_draft_is_told_to_the_user_and_written_once(seam: Seam) -> None:
    writer = FakeWriter(draft("One reef."))
    first = await write_script(video_requested(), seam.ports(writer))
    again = await write_script(video_requested(), seam.ports(writer))
    assert first == again
    assert len(writer.briefs) == 1
    (step, steps, label, key), _ = seam.steps
    assert (step, steps, label) == (1, 1, "script")
    assert key is not None
    assert json.loads(await FolderObjects(seam.folder).get(key))["title"] == "A title"


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Other"},
        {"style": "Meme"},
        {"language": "de"},
        {"scene_count": 4},
        {"target_seconds": 90},
        {"source_text": "Other text."},
    ],
)
async def test_another_request_is_written_anew(seam: Seam, change: dict[str, object]) -> None:
    writer = FakeWriter(draft("One reef."))
    await write_script(video_requested(), seam.ports(writer))
    await write_script(video_requested(**change), seam.ports(writer))
    assert len(writer.briefs) == 2


async def test_texts_are_cleaned_of_what_cannot_be_shown(seam: Seam) -> None:
    dirty = "Line\x00 one\r\n\u202eand \u2066two\u2069 {\\b1} \ud800end.\u200b"
    writer = FakeWriter(draft(dirty, title="A\x07 title\nof two lines"))
    script = await write_script(video_requested(), seam.ports(writer))
    assert script.title == "A title of two lines"
    assert script.scenes[0].narration == "Line one and two {\\b1} end."
    assert script.scenes[0].caption == "Line one and two {\\b1} end."
    script.model_dump_json().encode()


@pytest.mark.parametrize(
    "bad",
    [
        draft(),
        draft("One.", "Two.", "Three.", "Four."),
        draft("One.", "\u202e \x00"),
        draft("One.", "…!"),
        draft("word " * 300),
        draft("One.", title=" "),
    ],
)
async def test_an_unusable_draft_is_transient_and_not_kept(seam: Seam, bad: Draft) -> None:
    with pytest.raises(Transient):
        await write_script(video_requested(scene_count=3), seam.ports(FakeWriter(bad)))
    assert [entry async for entry in FolderObjects(seam.folder).list("artefacts/")] == []


@dataclass
class FakeModerator:
    """Raises what it is told to, and keeps what it saw."""

    refusal: StageError | None = None
    seen: list[Sequence[str]] = field(default_factory=list[Sequence[str]])

    async def preflight(self) -> None:
        """Passes."""

    async def review(self, texts: Sequence[str]) -> None:
        self.seen.append(texts)
        if self.refusal is not None:
            raise self.refusal


async def test_everything_that_was_written_is_reviewed_before_it_counts(seam: Seam) -> None:
    seam.moderator = FakeModerator(Permanent("the text is refused by moderation: hate"))
    with pytest.raises(Permanent, match="moderation: hate"):
        await write_script(video_requested(), seam.ports(FakeWriter(draft("One reef.", "Two reefs."))))
    assert seam.moderator.seen == [
        ("A title", "What it is about.", "One reef.", "A picture of One reef.", "Two reefs.", "A picture of Two reefs.")
    ]
    assert seam.steps == []


async def test_a_moderation_that_is_away_costs_no_second_script(seam: Seam) -> None:
    writer = FakeWriter(draft("One reef."))
    seam.moderator = FakeModerator(Unavailable("OpenAI limits our requests", on="openai"))
    with pytest.raises(Unavailable):
        await write_script(video_requested(), seam.ports(writer))
    seam.moderator = FakeModerator()
    await write_script(video_requested(), seam.ports(writer))
    assert len(writer.briefs) == 1


async def test_a_damaged_draft_is_written_anew(seam: Seam) -> None:
    writer = FakeWriter(draft("One reef."))
    await write_script(video_requested(), seam.ports(writer))
    await FolderObjects(seam.folder).put(str(seam.steps[0][3]), b'{"title": 1', content_type="application/json")
    script = await write_script(video_requested(), seam.ports(writer))
    assert (len(writer.briefs), script.scenes[0].narration) == (2, "One reef.")


async def test_an_unknown_style_is_refused(seam: Seam) -> None:
    with pytest.raises(Permanent, match="no style named Opera"):
        await write_script(video_requested(style="Opera"), seam.ports(FakeWriter(draft("One."))))


async def test_a_known_topic_needs_nothing_else(seam: Seam) -> None:
    script = await write_script(video_requested(prompt="Coral reefs", scene_count=10), seam.ports(OfflineWriter(None)))
    assert (script.title, len(script.scenes), script.writer) == ("Cities Built by Coral", 10, "offline")
    assert script.attributions


async def test_a_text_wins_over_a_sample_and_gives_the_title(seam: Seam) -> None:
    request = video_requested(prompt="Coral reefs", source_text=ESSAY, scene_count=5)
    script = await write_script(request, seam.ports(OfflineWriter(None)))
    assert script.title == "The Slow Return of the Tidal Mill"
    assert "coral" not in script.model_dump_json(exclude={"prompt"}).casefold()


async def test_a_prompt_that_is_a_text_is_told(seam: Seam) -> None:
    prompt = " ".join(ESSAY.split("\n\n")[2].split()) + " " + " ".join(ESSAY.split("\n\n")[3].split())
    script = await write_script(video_requested(prompt=prompt), seam.ports(OfflineWriter(None)))
    assert all(scene.narration.split()[-1].strip(".") in prompt for scene in script.scenes)
    assert len(script.title) <= 80


async def test_an_unknown_topic_without_research_names_the_ways_on(seam: Seam) -> None:
    with pytest.raises(Permanent) as caught:
        await write_script(video_requested(prompt="Tide mills of Suffolk"), seam.ports(OfflineWriter(None)))
    for way in ("--source FILE", "KEYFRAME_SCRIPT_WIKIPEDIA=true", "OPENAI_BASE_URL", "cannot research"):
        assert way in str(caught.value)


async def test_a_topic_that_cannot_be_looked_up_names_the_ways_on(seam: Seam) -> None:
    class NoNetwork:
        async def find(self, topic: str, language: str) -> Article:
            raise Permanent("Wikipedia cannot be reached from here")

    with pytest.raises(Permanent) as caught:
        await write_script(video_requested(prompt="Tide mills of Suffolk"), seam.ports(OfflineWriter(NoNetwork())))
    assert "Wikipedia cannot be reached from here" in str(caught.value)
    assert WAYS_ON in str(caught.value)


async def test_an_article_is_told_with_its_source(seam: Seam) -> None:
    source = Attribution(title="Tide mill", url="https://en.wikipedia.org/wiki/Tide_mill", licence="CC BY-SA 4.0")
    looked_up: list[tuple[str, str]] = []

    class Known:
        async def find(self, topic: str, language: str) -> Article:
            looked_up.append((topic, language))
            return Article(ESSAY, source)

    request = video_requested(prompt="Please make a video about how tide mills work", scene_count=6)
    script = await write_script(request, seam.ports(OfflineWriter(Known())))
    assert looked_up == [("tide mills", "en")]
    assert script.attributions == (source,)
    assert (script.title, len(script.scenes)) == ("Tide mill", 6)
    assert all(part in script.description for part in ("Tide mill", source.url, "CC BY-SA 4.0"))


async def test_too_short_an_article_names_the_ways_on(seam: Seam) -> None:
    class Stub:
        async def find(self, topic: str, language: str) -> Article:
            return Article("A tide mill is a mill.", Attribution(title="Tide mill", url="https://x", licence="L"))

    with pytest.raises(Permanent, match="“Tide mill” is too short") as caught:
        await write_script(video_requested(prompt="Tide mills"), seam.ports(OfflineWriter(Stub())))
    assert WAYS_ON in str(caught.value)


async def test_samples_are_told_in_english_only(seam: Seam) -> None:
    with pytest.raises(Permanent):
        await write_script(video_requested(prompt="Coral reefs", language="de"), seam.ports(OfflineWriter(None)))


def test_the_service_is_wired_by_its_settings() -> None:
    stage = build(ScriptSettings(wikipedia=False))
    assert stage.run is write_script
    assert (stage.consumes.name, stage.emits.name) == ("keyframe.video.requested.v1", "keyframe.script.written.v1")


def test_a_contact_cannot_break_out_of_its_header() -> None:
    with pytest.raises(InvalidSetting, match="KEYFRAME_SCRIPT_WIKIPEDIA_CONTACT"):
        ScriptSettings(wikipedia_contact="me\r\nX-Evil: 1")

"""Old and new replicas side by side: what a newer stage says passes through this version's stages, all five of them."""

from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from runtime.artefacts import Artefacts
from runtime.fallback import Fallback
from runtime.folder_objects import FolderObjects
from runtime.moderation.wordlist import WordList
from schemas.base import Contract
from services.assembler import service as assembler
from services.images import service as images
from services.script import service as script
from services.script.offline_writer import OfflineWriter
from services.storage import service as storage
from services.storage.publishers import CopyWithin
from services.voice import service as voice
from tests import builders
from tests.chaos.fake_assembler import FakeRenderer
from tests.pictures import FakePainter
from tests.speakers import FakeSpeaker

ESSAY = (Path(__file__).parent.parent / "data" / "article_essay.txt").read_text(encoding="utf-8")

Event = TypeVar("Event", bound=Contract)


def newer(event: Event, **unknown: Any) -> Event:
    """The event as a version would send it that says more, of the video and of each scene, over the wire."""
    said: dict[str, Any] = event.model_dump(mode="json") | unknown
    if "scenes" in said:
        said["scenes"] = [scene | unknown for scene in said["scenes"]]
    return type(event).model_validate(said)


async def unknown_in(answer: Awaitable[Contract]) -> tuple[Any, set[str]]:
    """A stage's answer as the next one reads it, and the fields that this version does not know."""
    event = type(made := await answer).model_validate_json(made.model_dump_json())
    return event, set(event.model_extra or ())


async def test_what_newer_stages_say_passes_through_every_stage(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path / "objects")

    async def progress(step: int, steps: int, label: str, artefact: str | None = None) -> None: ...

    def kept() -> Artefacts:
        return Artefacts(store, builders.job_id())

    def chain(provider: Any) -> Any:
        return Fallback([provider], timedelta(0)).chain()

    request = newer(builders.video_requested(source_text=ESSAY), mood="calm")
    written, said = await unknown_in(
        script.write_script(request, script.Ports(chain(OfflineWriter(None)), WordList(), kept(), progress))
    )
    assert said == {"mood"}

    written = newer(written, palette=["moss"])
    painted, said = await unknown_in(
        images.render_images(written, images.Ports(chain(FakePainter()), kept(), progress, 2))
    )
    assert said == {"mood", "palette"}
    assert [scene.model_extra["palette"] for scene in painted.scenes] == [["moss"]] * 3

    spoken, said = await unknown_in(
        voice.record_voice(newer(painted, lens=35), voice.Ports(chain(FakeSpeaker()), kept(), progress, 2))
    )
    assert said == {"mood", "palette", "lens"}

    cut = assembler.Ports(FakeRenderer(), store, progress, tmp_path / "scratch")
    assembled, said = await unknown_in(assembler.assemble_video(newer(spoken, breath={"pause": 0.2}), cut))
    assert said == {"mood", "palette", "lens", "breath"}

    published, said = await unknown_in(
        storage.publish_video(
            newer(assembled, codec="h264"), storage.Ports(store, store, CopyWithin(store), progress, "1")
        )
    )
    assert said == {"mood", "palette", "lens", "breath", "codec"}
    assert {name: published.scenes[0].model_extra[name] for name in ("palette", "lens", "breath")} == {
        "palette": ["moss"],
        "lens": 35,
        "breath": {"pause": 0.2},
    }

"""The images stage over the stand-in of a paid provider: what is paid, kept and told."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.artefacts import Artefacts
from runtime.bill import Budget
from runtime.errors import Permanent, Transient
from runtime.fallback import Fallback
from runtime.folder_objects import FolderObjects
from schemas import keys
from schemas.costs import summed, total
from schemas.events import ImagesRendered, ScriptWritten
from schemas.prices import usd
from services.images.app import ImagesSettings, painters
from services.images.service import Ports, render_images
from tests.builders import script_written
from tests.images_server import KEY, MODEL, Answer, ImagesServer, error, images_server

PRICE = usd("nebius", MODEL, {"images": 1}) or 0.0

REFUSAL = error(400, "Your request was rejected by the safety system.", "moderation_blocked")


@pytest.fixture
async def server() -> AsyncIterator[ImagesServer]:
    async with images_server() as running:
        yield running


@pytest.fixture
def script() -> ScriptWritten:
    return script_written(scenes=10)


class Run:
    """One try of the stage at a job, over a folder that outlives it."""

    def __init__(self, folder: Path, server: ImagesServer, *, budget: float | None = None, **settings: Any) -> None:
        account: dict[str, Any] = {"NEBIUS_API_KEY": f" {KEY}\r\n", "NEBIUS_BASE_URL": server.url}
        self._settings = ImagesSettings(provider=("nebius",), **account, **settings)
        self.store = FolderObjects(folder)
        self._budget = Budget(budget)
        self.artefacts = Artefacts(self.store, script_written().job_id, self._budget)

    async def __call__(self, script: ScriptWritten) -> ImagesRendered:
        (painter,) = painters(self._settings)
        return await render_images(
            script,
            Ports(Fallback([painter], timedelta(0)).chain(), self.artefacts, self._progress, self._settings.parallel),
        )

    async def _progress(self, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        """Nobody listens."""


async def test_ten_scenes_are_ten_paid_calls(tmp_path: Path, server: ImagesServer, script: ScriptWritten) -> None:
    run = Run(tmp_path, server)
    rendered = await run(script)
    assert (server.paid, server.invalid) == (10, [])
    assert {scene.picture.provider for scene in rendered.scenes} == {"nebius"}
    assert {scene.picture.content_type for scene in rendered.scenes} == {"image/png"}
    assert len({asked.seed for asked in server.asked}) == 10
    (cost,) = summed("images", run.artefacts.charges)
    assert (cost.calls, cost.units) == (10, {"images": 10})
    assert total([cost]) == pytest.approx(10 * PRICE)


async def test_what_is_there_is_not_paid_again(tmp_path: Path, server: ImagesServer, script: ScriptWritten) -> None:
    first = await Run(tmp_path, server)(script)
    again = Run(tmp_path, server)
    assert await again(script) == first
    assert server.paid == 10
    assert total(summed("images", again.artefacts.charges)) == pytest.approx(10 * PRICE)


async def test_one_failing_scene_loses_no_other_and_the_next_try_pays_for_what_is_missing(
    tmp_path: Path, server: ImagesServer, script: ScriptWritten
) -> None:
    server.refused = {"Scene 4 ": Answer(b"<html>", headers={"content-type": "text/html"})}
    run = Run(tmp_path, server, parallel=10, at_once=10)
    with pytest.raises(Transient, match="no picture"):
        await run(script)
    assert server.paid == 10
    assert total(summed("images", run.artefacts.charges)) == pytest.approx(10 * PRICE)
    server.refused = {}
    await Run(tmp_path, server)(script)
    assert server.paid == 11
    assert "Scene 4 " in server.asked[-1].prompt


async def test_the_budget_stops_before_the_call(tmp_path: Path, server: ImagesServer, script: ScriptWritten) -> None:
    with pytest.raises(Permanent, match="KEYFRAME_JOB_BUDGET_USD"):
        await Run(tmp_path, server, budget=3.5 * PRICE, parallel=1)(script)
    assert server.paid == 3


async def test_a_refused_scene_fails_the_video_with_its_reason(
    tmp_path: Path, server: ImagesServer, script: ScriptWritten
) -> None:
    server.refused = {"Scene 4 ": REFUSAL}
    with pytest.raises(Permanent, match="safety system"):
        await Run(tmp_path, server)(script)


async def test_or_the_offline_painter_paints_it_and_it_shows(
    tmp_path: Path, server: ImagesServer, script: ScriptWritten
) -> None:
    server.refused = {"Scene 4 ": REFUSAL}
    for run in (Run(tmp_path, server, refused="offline"), Run(tmp_path, server, refused="offline")):
        rendered = await run(script)
        assert [scene.index for scene in rendered.scenes if scene.picture.provider == "offline"] == [3]
        facts = await run.store.get(keys.facts_key(rendered.scenes[3].picture.key))
        assert b"safety system" in facts
    assert server.paid == 9


async def test_no_key_is_kept_or_logged(
    tmp_path: Path, server: ImagesServer, script: ScriptWritten, caplog: pytest.LogCaptureFixture
) -> None:
    server.refused = {"Scene 4 ": error(401, f"Incorrect API key provided: {KEY}")}
    with caplog.at_level(logging.DEBUG):
        run = Run(tmp_path, server)
        with pytest.raises(Exception, match="NEBIUS_API_KEY"):
            await run(script)
    assert KEY not in caplog.text
    kept = [entry.key async for entry in run.store.list("artefacts/")]
    assert kept
    for key in kept:
        assert KEY.encode() not in await run.store.get(key)
    assert KEY not in repr(vars(run))

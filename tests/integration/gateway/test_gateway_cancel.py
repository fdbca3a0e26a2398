"""DELETE /api/v1/jobs/{jobId}: on the log, in the view, and the same however often it is sent."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from schemas.base import Contract
from schemas.envelope import Envelope
from schemas.jobs import JobCancelled
from schemas.topics import JOB_CANCELLED, Topic
from tests.builders import NOON, chain, envelope, images_rendered, job_id, video_requested
from tests.gateways import FakeLog, GatewayUnderTest, problem, running

PATH = f"/api/v1/jobs/{job_id()}"


async def test_a_job_on_its_way_is_cancelled_once_however_often_it_is_asked(gateway: GatewayUnderTest):
    await gateway.log.deliver(video_requested())

    first, second = (
        await gateway.client.delete(PATH),
        await gateway.client.delete(PATH.upper().replace("/API/V1/JOBS", "/api/v1/jobs")),
    )

    assert (first.status_code, first.json()["status"]) == (202, "cancelled")
    assert (second.status_code, second.json()) == (202, first.json())
    assert await gateway.status(job_id()) == first.json()
    [cancel] = gateway.log.of(JOB_CANCELLED)
    assert JobCancelled.model_validate_json(cancel.data) == JobCancelled(job_id=job_id(), revision=1)
    assert cancel.subject == job_id()


async def test_a_cancel_makes_room_for_another_job(gateway: GatewayUnderTest):
    await gateway.log.deliver(video_requested())
    await gateway.client.delete(PATH)
    assert await gateway.view.unfinished() == 0


async def test_the_newest_revision_is_cancelled_and_a_replay_goes_on(gateway: GatewayUnderTest):
    await gateway.log.deliver(*chain(), envelope(images_rendered(revision=2), cause="replay"))
    answer = (await gateway.client.delete(PATH)).json()
    assert (answer["status"], answer["revision"], answer["video_revision"]) == ("cancelled", 2, 1)

    await gateway.log.deliver(envelope(images_rendered(revision=3), cause="another replay"))
    assert (await gateway.status(job_id()))["status"] == "processing"
    assert (await gateway.client.delete(PATH)).json()["revision"] == 3
    first, second = gateway.log.of(JOB_CANCELLED)
    assert first.id != second.id


class Crossing(FakeLog):
    """A log on which something else comes before a cancel."""

    def __init__(self, *others: Contract | Envelope) -> None:
        super().__init__()
        self._others = others

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        if topic is JOB_CANCELLED:
            others, self._others = self._others, ()
            await self.deliver(*others)
        await super().publish(topic, envelope)


async def test_a_replay_that_begins_in_the_meantime_is_cancelled_too(tables: str, tmp_path: Path):
    replayed = envelope(images_rendered(revision=2), cause="replay")
    async with running(tables, tmp_path, log=Crossing(replayed)) as gateway:
        await gateway.log.deliver(*chain()[:2])
        answer = (await gateway.client.delete(PATH)).json()
        assert (answer["status"], answer["revision"]) == ("cancelled", 2)
        cancels = [JobCancelled.model_validate_json(each.data).revision for each in gateway.log.of(JOB_CANCELLED)]
        assert cancels == [1, 2]
        assert await gateway.status(job_id()) == answer


async def test_a_video_that_is_published_in_the_meantime_is_completed(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, log=Crossing(*chain()[2:])) as gateway:
        await gateway.log.deliver(*chain()[:2])
        answer = await gateway.client.delete(PATH)
        assert (answer.status_code, answer.json()["status"]) == (202, "completed")
        assert len(gateway.log.of(JOB_CANCELLED)) == 1


async def test_a_published_video_and_an_unknown_job_cannot_be_cancelled(gateway: GatewayUnderTest):
    await gateway.log.deliver(*chain())
    problem(await gateway.client.delete(PATH), 409)
    problem(await gateway.client.delete(f"/api/v1/jobs/{job_id(2)}"), 404)
    problem(await gateway.client.delete("/api/v1/jobs/x"), 422, "jobId")
    assert gateway.log.of(JOB_CANCELLED) == []


async def test_what_is_not_on_the_log_is_not_cancelled(gateway: GatewayUnderTest):
    await gateway.log.deliver(video_requested())
    gateway.log.away = True
    problem(await gateway.client.delete(PATH), 503)
    assert (await gateway.status(job_id()))["status"] == "queued"


async def test_a_job_that_the_view_lacks_is_cancelled_too(gateway: GatewayUnderTest):
    gateway.view.away = True
    made = (await gateway.submit()).json()["jobId"]
    assert (await gateway.client.delete(f"/api/v1/jobs/{made}")).json()["status"] == "cancelled"
    assert (await gateway.status(made))["status"] == "cancelled"
    gateway.view.away = False
    await gateway.log.deliver(*(each for _, each in gateway.log.published))
    assert (await gateway.status(made))["status"] == "cancelled"


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_one_cancel_of_a_job_is_kept_as_its_topic_keeps_it(gateway: GatewayUnderTest, tables: str, size: int):
    """Whatever the order and the batches: the newest revision, and of two of the same id the later."""
    cancels = [envelope(JobCancelled(job_id=job_id(), revision=number), cause=str(number)) for number in (2, 3, 1)]
    told = [*cancels[:2], replace(cancels[1], time=NOON + timedelta(hours=1)), cancels[2], cancels[0]]
    for first in range(0, len(told), size):
        await gateway.log.deliver(*told[first : first + size])
    connection = await asyncpg.connect(tables)
    kept = await connection.fetch("select event_id, revision, time from events")
    jobs = await connection.fetch("select status, view->>'cancelled' as cancelled from jobs")
    await connection.close()
    assert [(str(row["event_id"]), row["revision"]) for row in kept] == [(cancels[1].id, 3)]
    assert kept[0]["time"] == NOON + timedelta(hours=1)
    assert [tuple(row) for row in jobs] == [("cancelled", "3")]

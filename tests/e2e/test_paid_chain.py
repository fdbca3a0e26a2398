"""A prompt becomes a video on the paid providers: what it costs, who is waited for, and no key in any output."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from runtime.http import serving
from tests import images_server as nebius
from tests.e2e.following import Status, final, once
from tests.e2e.paid import OPENAI_KEY, Ground, Paid, Sold, paid_stack
from tests.e2e.watch import check, watch
from tests.parts.s3 import S3Server
from tests.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.s3

ORDER = {"prompt": "How a mill turns", "style": "Storytelling", "scene_count": 3, "target_seconds": 15}
FORBIDDEN = nebius.error(
    400, f"Your prompt was flagged by our content policy, key {nebius.KEY}.", "content_policy_violation"
)
TOLD_WITHIN = 5.0
"""Seconds after a refusal in which the status says who is waited for."""


@pytest.fixture(scope="module")
def ground(kafka_bootstrap: str, postgres_dsn: str, s3_server: S3Server, s3_connection: "S3Client") -> Ground:
    return Ground(kafka_bootstrap, postgres_dsn, s3_server, s3_connection)


@pytest.fixture(scope="class")
async def paid(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Paid]:
    """A stack that ends with its class, so that the next can have its consumers' ids."""
    async with paid_stack(ground, tmp_path_factory.mktemp("paid")) as running:
        yield running


async def ordered(paid: Paid) -> dict[str, Any]:
    """The answer to a request for a video of three scenes."""
    accepted = await paid.api.post("/api/v1/generate", json=ORDER)
    assert accepted.status_code == 202
    return accepted.json()


async def waiting(paid: Paid, location: str, on: str) -> Status:
    """The status as soon as it says that this provider is waited for, which is not later than it must be."""

    def is_waiting(status: Status) -> bool:
        return status["waiting_for"] is not None and status["waiting_for"]["on"] == on

    return await once(paid.api, location, is_waiting, seconds=TOLD_WITHIN)


async def manifest(paid: Paid, job_id: str) -> dict[str, Any]:
    return (await paid.api.get(f"/videos/{job_id}/manifest.json")).json()


async def feed_item(paid: Paid, job_id: str) -> dict[str, Any]:
    (item,) = [item for item in (await paid.api.get("/api/v1/feed")).json()["items"] if item["jobId"] == job_id]
    return item


class TestOnOneStack:
    """One stack for all that needs no settings of its own."""

    async def test_a_video_costs_what_the_providers_sold(
        self, paid: Paid, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        before = paid.sold()
        accepted = await ordered(paid)
        status = await final(paid.api, accepted["links"]["status"])

        assert (status["status"], status["error"], status["degraded"]) == ("completed", None, [])
        sold = paid.sold().since(before)
        assert (sold.scripts, sold.pictures, sold.recordings) == (1, 3, 3 * 2)  # sound and marks of each scene
        assert paid.nebius.invalid == []
        assert status["costs"]["by_stage"] == pytest.approx(sold.prices())
        assert status["costs"]["usd"] == pytest.approx(sum(sold.prices().values()))
        assert status["costs"]["complete"]
        made = await manifest(paid, status["jobId"])
        assert {name: made["costs"][name] for name in status["costs"]} == status["costs"]
        assert {call["stage"]: call["calls"] for call in made["costs"]["calls"]} == {
            "script": 1,
            "images": 3,
            "voice": 6,
        }
        assert (await feed_item(paid, status["jobId"]))["degraded"] == []
        assert (await paid.api.get("/readyz")).status_code == 200
        assert await paid.places_of_keys(status["jobId"]) == []
        assert paid.keys_in("".join(capfd.readouterr()).encode()) == []

        estimate = accepted["estimate"]
        assert estimate["by_stage"]["images"] == pytest.approx(sold.prices()["images"])
        assert estimate["usd"] == pytest.approx(status["costs"]["usd"], rel=0.5)

        redirect = await paid.api.get(status["video_url"])
        assert redirect.status_code == 307
        assert "X-Amz-Signature" in redirect.headers["location"]
        assert paid.buckets[1] in redirect.headers["location"]
        video = tmp_path / "video.mp4"
        async with httpx.AsyncClient() as viewer:  # without the token
            video.write_bytes((await viewer.get(redirect.headers["location"])).raise_for_status().content)
        watched = watch(video)
        assert check(watched) == []
        assert (watched.height, round(watched.seconds, 1)) == (240, round(status["duration"], 1))

    async def test_a_limit_is_told_at_once_and_waited_out(self, paid: Paid) -> None:
        before, asked = paid.sold(), len(paid.nebius.asked)
        paid.nebius.refused = {"": nebius.error(429, "Too many requests", retry_after="2")}
        location = (await ordered(paid))["links"]["status"]
        await until(lambda: len(paid.nebius.asked) > asked)

        held = await waiting(paid, location, "nebius")
        paid.nebius.refused = {}

        assert held["stage"] == "images"
        told = held["waiting_for"]
        assert "limits our requests" in told["reason"]
        pause = datetime.fromisoformat(told["next_try"]) - datetime.fromisoformat(told["since"])
        assert pause.total_seconds() >= 2
        status = await final(paid.api, location)
        assert (status["status"], status["waiting_for"]) == ("completed", None)
        sold = paid.sold().since(before)
        assert (sold.scripts, sold.pictures, sold.recordings) == (1, 3, 6)
        assert status["costs"]["by_stage"] == pytest.approx(sold.prices())
        assert await paid.places_of_keys(status["jobId"]) == []

    async def test_a_refusal_for_the_content_fails_with_its_reason(self, paid: Paid) -> None:
        before = paid.sold()
        paid.nebius.refused = {"step 2": FORBIDDEN}
        status = await final(paid.api, (await ordered(paid))["links"]["status"])
        paid.nebius.refused = {}

        assert status["status"] == "failed"
        assert status["error"] == {
            "code": "permanent",
            "stage": "images",
            "message": "nebius refuses to paint this: Your prompt was flagged by our content policy, key ….",
        }
        sold = paid.sold().since(before)
        assert (sold.scripts, sold.recordings) == (1, 0)
        assert status["costs"]["by_stage"] == pytest.approx(sold.prices())
        assert await paid.places_of_keys(status["jobId"]) == []

    async def test_a_key_that_is_refused_parks_nothing_and_pays_nothing(self, paid: Paid) -> None:
        before = paid.sold()
        paid.openai.key = "another"
        accepted = await ordered(paid)
        location = accepted["links"]["status"]
        await until(lambda: paid.sold().scripts > before.scripts)

        held = await waiting(paid, location, "openai")

        assert (held["status"], held["stage"]) == ("processing", "script")
        assert "check OPENAI_API_KEY" in held["waiting_for"]["reason"]
        async with serving(paid.stack.health.app(), "127.0.0.1", 0) as address:
            readiness = await paid.api.get(f"{address}/readyz")
        assert readiness.status_code == 503
        (problem,) = readiness.json()["problems"]
        assert problem.startswith("script: ")
        assert "check OPENAI_API_KEY" in problem
        refused = paid.sold()
        assert refused.since(before) == Sold(1, 0, 0, 0)  # the one that was turned away: the next asks for the models
        assert not await paid.is_parked(accepted["jobId"])

        paid.openai.key = OPENAI_KEY
        status = await final(paid.api, location)
        assert (status["status"], status["error"]) == ("completed", None)
        sold = paid.sold().since(refused)
        assert (sold.scripts, sold.pictures, sold.recordings) == (1, 3, 6)
        assert status["costs"]["by_stage"] == pytest.approx(sold.prices())
        assert paid.stack.health.problems() == []
        assert not await paid.is_parked(accepted["jobId"])
        assert await paid.places_of_keys(status["jobId"]) == []


async def test_a_fallback_paints_what_the_provider_does_not(ground: Ground, tmp_path: Path) -> None:
    chain = {"KEYFRAME_IMAGES_PROVIDER": "nebius,offline", "KEYFRAME_IMAGES_FALLBACK_AFTER": "1"}
    async with paid_stack(ground, tmp_path, **chain) as paid:
        paid.nebius.refused = {"": nebius.error(503, "Overloaded")}
        paid.nebius.models = nebius.error(503, "Overloaded")

        status = await final(paid.api, (await ordered(paid))["links"]["status"])

        assert (status["status"], status["error"]) == ("completed", None)
        reason = "nebius is overloaded (status 503)"
        shown: list[dict[str, Any]] = [{"scene": scene, "stage": "images", "reason": reason} for scene in (1, 2, 3)]
        assert status["degraded"] == shown
        assert (await feed_item(paid, status["jobId"]))["degraded"] == shown
        made = await manifest(paid, status["jobId"])
        assert made["degraded"] == [{**one, "scene": one["scene"] - 1} for one in shown]
        assert {scene["picture"]["provider"] for scene in made["scenes"]} == {"offline"}
        sold = paid.sold()
        assert (sold.scripts, sold.pictures, sold.recordings) == (1, 0, 6)
        assert status["costs"]["by_stage"] == pytest.approx(sold.prices())
        assert await paid.places_of_keys(status["jobId"]) == []

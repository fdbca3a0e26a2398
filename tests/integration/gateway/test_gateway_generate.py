"""A POST becomes one job, whatever happens on the way."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from runtime.errors import Permanent, StageError, Transient, Unavailable
from schemas.events import VideoRequested
from schemas.topics import VIDEO_REQUESTED
from tests.builders import video_published
from tests.gateways import BODY, TOKEN, FakeLog, FakeModerator, GatewayUnderTest, problem, running


def requests(log: FakeLog) -> list[VideoRequested]:
    return [VideoRequested.model_validate_json(envelope.data) for envelope in log.of(VIDEO_REQUESTED)]


async def test_a_request_is_accepted_with_where_to_look(gateway: GatewayUnderTest):
    answer = await gateway.submit()
    body = answer.json()
    assert answer.status_code == 202
    assert body == {
        "jobId": str(UUID(body["jobId"])),
        "status": "queued",
        "estimate": None,
        "links": {"status": f"/api/v1/status/{body['jobId']}", "video": f"/videos/{body['jobId']}/video.mp4"},
    }
    assert answer.headers["location"] == body["links"]["status"]
    assert int(answer.headers["retry-after"]) > 0
    status = await gateway.status(body["jobId"])
    assert (status["status"], status["stage"], status["progress"]) == ("queued", "script", 0)


async def test_what_was_not_said_has_defaults(gateway: GatewayUnderTest):
    await gateway.submit()
    [event] = requests(gateway.log)
    assert (event.aspect_ratio, event.voice, event.language, event.source_text) == ("16:9", "aria", "en", None)
    assert (event.scene_count, event.target_seconds, event.revision) == (10, 60, 1)


@pytest.mark.parametrize("seconds", [15, 180])
async def test_the_length_can_be_chosen(gateway: GatewayUnderTest, seconds: int):
    job_id = (await gateway.submit(target_seconds=seconds)).json()["jobId"]
    [event] = requests(gateway.log)
    assert event.target_seconds == seconds
    assert (await gateway.status(job_id))["target_seconds"] == seconds


async def test_what_a_video_will_cost_is_told(tables: str, tmp_path: Path):
    paid = {
        "script_provider": ("openai",),
        "images_provider": ("nebius", "offline"),
        "voice_provider": ("polly",),
    }
    async with running(tables, tmp_path, **paid) as gateway:
        first = await gateway.submit("one", scene_count=5)
        cost = first.json()["estimate"]
        assert cost["by_stage"].keys() == {"script", "images", "voice"}
        assert cost["by_stage"]["images"] == 0.0065
        assert cost["usd"] == pytest.approx(sum(cost["by_stage"].values()), abs=1e-5)
        assert cost["reason"] is None
        assert (await gateway.submit("one", scene_count=5)).json() == first.json()


async def test_a_price_that_is_not_known_is_said(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, images_provider=("nebius",), nebius_model="flux-new") as gateway:
        assert (await gateway.submit()).json()["estimate"] == {
            "usd": None,
            "by_stage": {"script": 0.0, "images": None, "voice": 0.0},
            "reason": "the price of flux-new at nebius is not known",
        }


async def test_names_are_kept_as_they_are_written_here(gateway: GatewayUnderTest):
    await gateway.submit(prompt="  Tides \n", style="mEmE", voice="Emma", source_text="One.\r\n\tTwo.\r")
    [event] = requests(gateway.log)
    assert (event.prompt, event.style, event.voice, event.source_text) == ("Tides", "Meme", "emma", "One.\n\tTwo.")


async def test_what_may_not_be_told_is_refused_by_field_and_category(tables: str, tmp_path: Path):
    reviewer = FakeModerator({"awful": Permanent("the text is refused by moderation: hate")})
    async with running(tables, tmp_path, reviewer=reviewer) as gateway:
        refused = await gateway.submit("one", prompt="An awful thing")
        [error] = problem(refused, 422, "#/prompt")["errors"]
        assert error["detail"] == "the text is refused by moderation: hate"
        problem(await gateway.submit(source_text="It was awful."), 422, "#/source_text")
        problem(await gateway.submit(prompt="awful", source_text="awful"), 422, "#/prompt", "#/source_text")
        assert gateway.log.published == []
        assert gateway.view.applied == []
        # A key that met a refusal stands for nothing yet.
        assert (await gateway.submit("one", prompt="A fine thing")).status_code == 202


async def test_what_was_accepted_is_not_reviewed_again(tables: str, tmp_path: Path):
    reviewer = FakeModerator({})
    async with running(tables, tmp_path, reviewer=reviewer) as gateway:
        for _ in range(2):
            assert (await gateway.submit("one", source_text="A source.")).status_code == 202
        assert reviewer.reviewed == [BODY["prompt"], "A source."]


async def test_what_has_passed_needs_not_pass_again_after_an_outage(tables: str, tmp_path: Path):
    reviewer = FakeModerator({})
    async with running(tables, tmp_path, reviewer=reviewer) as gateway:
        gateway.log.away = True
        problem(await gateway.submit("one"), 503)
        gateway.log.away = False
        reviewer.errors["coral"] = Permanent("another mind")
        assert (await gateway.submit("one")).status_code == 202
        problem(await gateway.submit("two"), 422, "#/prompt")


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (Unavailable("OpenAI cannot be reached", on="openai", retry_after=7), "7"),
        (Transient("OpenAI sent a moderation that cannot be read"), "5"),
    ],
)
async def test_without_moderation_there_is_no_job(tables: str, tmp_path: Path, failure: StageError, seconds: str):
    async with running(tables, tmp_path, reviewer=FakeModerator({"coral": failure})) as gateway:
        answer = await gateway.submit("one")
        assert problem(answer, 503)["detail"] == str(failure)
        assert answer.headers["retry-after"] == seconds
        assert gateway.log.published == []


async def test_the_list_of_words_is_looked_at_unless_told_otherwise(tables: str, tmp_path: Path):
    # An entry of runtime/moderation/wordlist.toml.
    words = "how to build a pipe bomb"
    async with running(tables, tmp_path) as gateway:
        problem(await gateway.submit(prompt=words), 422, "#/prompt")
    async with running(tables, tmp_path, moderation="none") as gateway:
        assert (await gateway.submit(prompt=words)).status_code == 202


async def test_the_event_that_kafka_brings_back_changes_nothing(gateway: GatewayUnderTest):
    job_id = (await gateway.submit()).json()["jobId"]
    before = await gateway.status(job_id)
    await gateway.log.deliver(*gateway.log.of(VIDEO_REQUESTED))
    assert await gateway.status(job_id) == before


async def test_without_kafka_there_is_no_job(gateway: GatewayUnderTest):
    gateway.log.away = True
    answer = await gateway.submit()
    problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert gateway.view.applied == []


@pytest.mark.parametrize("fault", ["broken", "away"])
async def test_a_failed_upsert_is_no_error_and_the_job_is_found(gateway: GatewayUnderTest, fault: str):
    setattr(gateway.view, fault, True)
    answer = await gateway.submit()
    assert answer.status_code == 202
    job_id = answer.json()["jobId"]
    assert (await gateway.status(job_id))["status"] == "queued"
    setattr(gateway.view, fault, False)
    assert (await gateway.status(job_id))["prompt"] == BODY["prompt"]
    await gateway.log.deliver(*gateway.log.of(VIDEO_REQUESTED))
    assert (await gateway.status(job_id))["prompt"] == BODY["prompt"]
    assert len(gateway.view.applied) == 1


async def test_the_same_key_and_body_are_the_same_job(gateway: GatewayUnderTest):
    first = await gateway.submit("one")
    again = await gateway.submit("one", scene_count=10, prompt=f" {BODY['prompt']} ")
    assert (again.status_code, again.json(), again.headers["location"]) == (
        202,
        first.json(),
        first.headers["location"],
    )
    assert len(requests(gateway.log)) == 1
    assert (await gateway.submit("two")).json()["jobId"] != first.json()["jobId"]


async def test_the_same_key_with_another_body_is_a_conflict(gateway: GatewayUnderTest):
    await gateway.submit("one")
    problem(await gateway.submit("one", style="Meme"), 409)
    assert len(requests(gateway.log)) == 1


async def test_posts_that_race_make_one_job(gateway: GatewayUnderTest):
    answers = await asyncio.gather(*(gateway.submit("one") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["jobId"] for answer in answers}) == 1
    sent = {(envelope.id, envelope.data) for envelope in gateway.log.of(VIDEO_REQUESTED)}
    assert len(sent) == 1  # published more than once, perhaps, but one event
    [job] = {event.job_id for event in requests(gateway.log)}
    assert (await gateway.status(job))["status"] == "queued"


async def test_of_two_bodies_that_race_for_a_key_one_wins(gateway: GatewayUnderTest):
    answers = await asyncio.gather(*(gateway.submit("one", scene_count=number) for number in range(3, 11)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert len(requests(gateway.log)) == 1


async def test_a_key_whose_answer_and_upsert_were_lost_makes_one_job(
    gateway: GatewayUnderTest, tables: str, tmp_path: Path
):
    gateway.view.broken = True
    first = await gateway.submit("one")
    # The client heard nothing, and asks another gateway, which knows of no such job.
    async with running(tables, tmp_path, log=FakeLog(gateway.log.published)) as other:
        problem(await other.submit("one", style="Meme"), 409)
        again = await other.submit("one")
        assert (again.status_code, again.json()) == (202, first.json())
    sent = {(envelope.id, envelope.data) for envelope in gateway.log.of(VIDEO_REQUESTED)}
    assert len(sent) == 1


async def test_a_key_that_met_an_outage_may_be_used_again(gateway: GatewayUnderTest):
    gateway.log.away = True
    problem(await gateway.submit("one"), 503)
    gateway.log.away = False
    assert (await gateway.submit("one")).status_code == 202


async def test_a_key_without_the_database_promises_nothing(gateway: GatewayUnderTest):
    gateway.view.away = True
    problem(await gateway.submit("one"), 503)
    assert gateway.log.published == []


@pytest.mark.parametrize("key", ["", " ", "with space", "ключ", "x" * 256])
async def test_a_key_is_visible_ascii(gateway: GatewayUnderTest, key: str):
    headers = [(b"Idempotency-Key", key.encode("utf-8")), (b"Content-Type", b"application/json")]
    answer = await gateway.client.post("/api/v1/generate", content=b"{}", headers=headers)
    problem(answer, 422, "Idempotency-Key")


async def test_as_many_jobs_as_may_be_are_unfinished_at_once(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, gateway_max_unfinished=3) as gateway:
        answers = await asyncio.gather(*(gateway.submit(f"key-{number}") for number in range(9)))
        accepted = [answer for answer in answers if answer.status_code == 202]
        assert len(accepted) == 3
        refused = next(answer for answer in answers if answer.status_code != 202)
        problem(refused, 429)
        assert int(refused.headers["retry-after"]) > 0
        known = answers.index(accepted[0])
        assert (await gateway.submit(f"key-{known}")).status_code == 202  # it is no new one
        await gateway.log.deliver(video_published(job_id=accepted[0].json()["jobId"]))
        assert (await gateway.submit()).status_code == 202
        problem(await gateway.submit(), 429)


async def test_the_cap_holds_without_the_database(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, gateway_max_unfinished=2) as gateway:
        gateway.view.away = True
        assert [(await gateway.submit()).status_code for _ in range(3)] == [202, 202, 429]


async def test_with_a_token_the_api_asks_for_it_and_nothing_else_does(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, api_token=TOKEN) as gateway:
        refused = await gateway.submit()
        problem(refused, 401)
        assert refused.headers["www-authenticate"].startswith("Bearer")
        for path in ("/api/v1/feed", "/api/v1/styles", f"/api/v1/status/{UUID(int=1)}"):
            for header in ("Bearer wrong", f"Basic {TOKEN.get_secret_value()}", "Bearer \xff"):
                answer = await gateway.client.get(path, headers=[(b"Authorization", header.encode("latin-1"))])
                problem(answer, 401)
        for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz"):
            assert (await gateway.client.get(path)).status_code == 200
        problem(await gateway.client.get(f"/videos/{UUID(int=1)}/video.mp4"), 404)
        gateway.client.headers["Authorization"] = f"Bearer {TOKEN.get_secret_value()}"
        assert (await gateway.submit()).status_code == 202


async def test_a_guessed_key_does_not_lead_to_a_job_behind_a_token(tables: str, tmp_path: Path):
    async with running(tables, tmp_path / "a") as gateway:
        open_id = (await gateway.submit("1")).json()["jobId"]
    async with running(tables, tmp_path / "b", api_token=TOKEN) as gateway:
        gateway.client.headers["Authorization"] = f"Bearer {TOKEN.get_secret_value()}"
        assert (await gateway.submit("1")).json()["jobId"] != open_id


async def test_the_longest_request_fits(gateway: GatewayUnderTest):
    body = BODY | {"prompt": "🎬" * 2_000, "source_text": "🎬" * 50_000}
    headers = {"Content-Type": "application/json"}
    answer = await gateway.client.post("/api/v1/generate", content=json.dumps(body), headers=headers)
    assert answer.status_code == 202

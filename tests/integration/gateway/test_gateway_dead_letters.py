"""Parked records: listed, shown, sent again, given up; and what their jobs say meanwhile."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from runtime.dead_letters import Failure, parked_headers
from runtime.records import Record
from schemas.jobs import JobCancelled, JobDiscarded, JobFailed, JobRedriven
from schemas.topics import JOB_CANCELLED, JOB_DISCARDED, JOB_FAILED, JOB_REDRIVEN, SCRIPT_WRITTEN, dead_letters
from services.gateway.parked import nobody
from tests.builders import NOON, envelope, images_rendered, job_id, record, script_written, video_requested
from tests.gateways import TOKEN, GatewayUnderTest, problem, running

QUEUE = dead_letters("images").name
API = "/api/v1/dead-letters"


def park(
    gateway: GatewayUnderTest, came: Record, *, code: str = "permanent", stage: str = "images", minute: int = 0
) -> Record:
    """The record as the stage parks it, on its queue."""
    headers = parked_headers(came, stage, Failure(code, f"it was {code}", 4))
    kept = tuple((name, text.encode()) for name, text in headers.items())
    at = int((NOON + timedelta(minutes=minute)).timestamp() * 1000)
    [parked] = gateway.log.keep(Record(dead_letters(stage).name, 0, 0, at, kept, came.key, came.value or b""))
    return parked


def failure(number: int = 1, turn: int = 0, **changes: Any) -> Any:
    event = JobFailed(
        job_id=job_id(number), stage="images", code="permanent", message=f"turn {turn}", attempts=4, redrives=turn
    )
    return envelope(event, cause=f"turn {turn}", **changes)


def name(parked: Record) -> str:
    return f"{parked.topic}/{parked.partition}/{parked.offset}"


async def ask(gateway: GatewayUnderTest, what: str, **body: Any) -> list[dict[str, Any]]:
    """The lines of the answer."""
    answer = await gateway.client.post(f"{API}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def listed(gateway: GatewayUnderTest, **query: Any) -> list[dict[str, Any]]:
    answer = await gateway.client.get(API, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


TABLES = [
    "select job_id, view::text, status, style, completed_at from jobs order by job_id",
    "select event_id, job_id, revision, type, stage, time, detail::text from events order by event_id",
    "select * from dead_letters order by topic, partition, at_offset",
]


async def test_a_parked_record_is_listed_and_shown(gateway: GatewayUnderTest):
    came = record(script_written(revision=2))
    parked = park(gateway, came, code="exhausted")
    await gateway.log.deliver(parked)

    [item] = await listed(gateway)
    assert item == {
        "record": f"{QUEUE}/0/0",
        "stage": "images",
        "jobId": job_id(),
        "revision": 2,
        "event_id": dict(came.headers)["ce_id"].decode(),
        "redrives": 0,
        "code": "exhausted",
        "reason": "it was exhausted",
        "attempts": 4,
        "parked_at": "2026-01-01T12:00:00Z",
        "settled": None,
        "settled_at": None,
    }
    shown = (await gateway.client.get(f"{API}/{item['record']}")).json()
    content = shown.pop("content")
    assert shown == item
    assert (content["text"], content["base64"], content["cut"], content["key"]) == (
        came.value.decode() if came.value else "",
        None,
        False,
        job_id(),
    )
    assert {"name": "keyframe_code", "value": "exhausted"} in content["headers"]


async def test_bytes_are_shown_within_bounds(gateway: GatewayUnderTest):
    long, broken = "é" * 50_000, b"\xff" * 10
    first = park(gateway, record(script_written(), value=long.encode(), key=b"\xff\x00"), code="undecodable")
    second = park(gateway, record(script_written(), value=broken, headers=(("x", b"\xff"),)), code="undecodable")
    await gateway.log.deliver(first, second)
    content = (await gateway.client.get(f"{API}/{name(first)}")).json()["content"]
    assert (content["text"], content["cut"], content["size"], content["key"]) == ("é" * 32_768, True, 100_000, "ff00")
    content = (await gateway.client.get(f"{API}/{name(second)}")).json()["content"]
    assert (content["text"], content["base64"], content["cut"]) == (None, "/////////////w==", False)
    for nowhere in (f"{QUEUE}/0/2", f"{QUEUE}/1/0", f"{SCRIPT_WRITTEN.name}/0/0", "x/y/z", f"{QUEUE}/0/{10**30}"):
        problem(await gateway.client.get(f"{API}/{nowhere}"), 404)


async def test_lists_are_filtered_and_come_page_by_page(gateway: GatewayUnderTest):
    parked = [
        park(gateway, record(script_written(number)), code=("permanent", "exhausted")[number % 2], minute=number // 2)
        for number in range(1, 7)
    ]
    parked.append(park(gateway, record(images_rendered(7)), stage="voice", minute=9))
    await gateway.log.deliver(*parked)
    whole = [item["record"] for item in await listed(gateway)]
    assert whole == [name(one) for one in parked[::-1]]
    pages, cursor = list[str](), {}
    while True:
        page = (await gateway.client.get(API, params={"limit": 2, **cursor})).json()
        pages += [item["record"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert pages == whole
    assert [item["jobId"] for item in await listed(gateway, stage="voice")] == [job_id(7)]
    assert [item["record"] for item in await listed(gateway, job=job_id(3))] == [name(parked[2])]
    assert len(await listed(gateway, stage="images", code="exhausted")) == 3
    for query in ({"stage": "gateway"}, {"job": "x"}, {"code": "A"}, {"limit": 0}, {"cursor": "x"}):
        problem(await gateway.client.get(API, params=query), 422, *query)


async def test_fail_redrive_fail_redrive_succeed_shows_each_turn_live_and_folded_anew(
    gateway: GatewayUnderTest, tables: str
):
    came = record(script_written())
    known: list[Any] = [video_requested(), envelope(script_written())]
    await gateway.log.deliver(*gateway.log.keep(*known))
    seen = list[tuple[str, str | None]]()

    async def fails(again: Record, turn: int) -> Record:
        parked = park(gateway, again, minute=turn)
        await gateway.log.deliver(parked, *gateway.log.keep(failure(turn=turn)))
        await look()
        return parked

    async def look() -> None:
        status = await gateway.status(job_id())
        seen.append((status["status"], status["error"] and status["error"]["message"]))

    for turn in range(2):
        parked = await fails(came, turn)
        lines = await ask(gateway, "redrive", records=[name(parked)])
        assert lines[0] == {
            "event": "redriven",
            "record": name(parked),
            "job": job_id(),
            "stage": "images",
            "turn": turn + 1,
        }
        assert lines[1:] == [{"event": "done", "totals": {"redriven": 1}}]
        await look()
        came = gateway.log.written[-1]
        assert dict(came.headers)["ce_redrives"] == str(turn + 1).encode()
    await gateway.log.deliver(*gateway.log.keep(envelope(images_rendered(), redrives=2)))
    await look()

    assert seen == [
        ("failed", "turn 0"),
        ("processing", None),
        ("failed", "turn 1"),
        ("processing", None),
        ("processing", None),
    ]
    assert (await gateway.status(job_id()))["stage"] == "voice"
    timeline = await rows(tables, "select type, detail->>'redrives' from events where stage = 'images' order by time")
    assert sorted(timeline) == sorted(
        [(JOB_FAILED.name, "0"), (JOB_REDRIVEN.name, "1"), (JOB_FAILED.name, "1"), (JOB_REDRIVEN.name, "2")]
    )
    assert [item["settled"] for item in await listed(gateway, settled=True)] == ["redriven", "redriven"]
    assert await listed(gateway) == []
    await _folded_anew_is_the_same(gateway, tables)


async def _folded_anew_is_the_same(gateway: GatewayUnderTest, tables: str) -> None:
    """Whatever the order in which the log comes."""
    live = [await rows(tables, query) for query in TABLES]
    for seed in range(4):
        everything = [each for topic in gateway.log.kept.values() for each in topic]
        random.Random(seed).shuffle(everything)  # noqa: S311 - seeded on purpose
        await rows(tables, "with a as (delete from jobs), b as (delete from events) delete from dead_letters")
        for start in range(0, len(everything), 3):
            await gateway.log.deliver(*everything[start : start + 3])
        assert [await rows(tables, query) for query in TABLES] == live


async def test_what_goes_back_is_what_came(gateway: GatewayUnderTest):
    odd = (("x", b"\xff\xfe"), ("y", None), ("keyframe_code", b"forged"), ("keyframe_raw_z", b"no hex"))
    plain = record(script_written())
    came = [
        plain,
        record(script_written(2), headers=(*plain.headers, *odd[:2]), key=b"\xff"),
        record(script_written(3), value=None),
        record(script_written(4), value=b"", headers=()),
        record(script_written(5), value=b"\x00\xff", key=None, headers=()),
    ]
    parked = [park(gateway, each, code="undecodable") for each in came]
    await gateway.log.deliver(*parked)

    lines = await ask(gateway, "redrive", all=True)

    assert lines[-1] == {"event": "done", "totals": {"redriven": 5}}
    again = [("ce_redrives", b"1")]
    assert [(one.topic, one.key, one.value) for one in gateway.log.written] == [
        (SCRIPT_WRITTEN.name, one.key, one.value) for one in came
    ]
    assert [sorted(one.headers) for one in gateway.log.written] == [
        sorted([*((name, raw or b"") for name, raw in one.headers), *again]) for one in came
    ]
    hostile = park(gateway, record(script_written(6), headers=odd))
    await gateway.log.deliver(hostile)
    [line, _] = await ask(gateway, "redrive", all=True)
    assert (line["event"], line["reason"]) == ("refused", "its headers were changed")


async def test_a_record_of_nobody_is_settled_without_a_job(gateway: GatewayUnderTest, tables: str):
    parked = [
        park(gateway, record(script_written(), value=b"\xff", key=key, headers=()), code="undecodable")
        for key in (b"nobody", None, b"x" * 10_000)
    ]
    await gateway.log.deliver(*parked)
    assert [item["jobId"] for item in await listed(gateway)] == [None] * 3

    await ask(gateway, "redrive", records=[name(parked[0])])
    await ask(gateway, "discard", records=[name(parked[1]), name(parked[2])])
    await gateway.log.deliver(
        *(each for topic in (JOB_REDRIVEN, JOB_DISCARDED) for each in gateway.log.kept[topic.name])
    )

    assert [item["settled"] for item in await listed(gateway, settled=True)] == ["discarded", "discarded", "redriven"]
    assert gateway.log.of(JOB_REDRIVEN)[0].subject == nobody(name(parked[0]))
    assert await rows(tables, "select * from jobs") == []
    assert await gateway.view.unfinished() == 0
    assert len(await rows(tables, "select * from events")) == 3
    await _folded_anew_is_the_same(gateway, tables)


async def test_an_undecodable_record_belongs_to_the_job_of_its_key(gateway: GatewayUnderTest):
    parked = park(gateway, record(script_written(2, revision=7), key=job_id(3).encode()), code="undecodable")
    await gateway.log.deliver(parked)
    [item] = await listed(gateway)
    assert (item["jobId"], item["revision"]) == (job_id(3), 1)


async def test_a_revision_that_no_job_can_have_is_not_taken_for_one(gateway: GatewayUnderTest):
    events = [script_written(number).model_copy(update={"revision": 2**31 - 1}) for number in (1, 2)]
    codes = "undecodable", "crashed"
    parked = [park(gateway, record(event), code=code) for event, code in zip(events, codes, strict=True)]
    await gateway.log.deliver(*parked)
    assert [(item["jobId"], item["revision"]) for item in await listed(gateway)] == [(job_id(2), 1), (job_id(1), 1)]


async def test_a_discard_is_on_the_timeline_and_leaves_the_job_as_it_was(gateway: GatewayUnderTest, tables: str):
    parked = park(gateway, record(script_written()))
    await gateway.log.deliver(*gateway.log.keep(video_requested(), failure()), parked)
    before = await gateway.status(job_id())

    assert await ask(gateway, "discard", all=True, stage="images", job=job_id(), code="permanent") == [
        {"event": "discarded", "record": name(parked), "job": job_id(), "stage": "images"},
        {"event": "done", "totals": {"discarded": 1}},
    ]
    again = await ask(gateway, "redrive", records=[name(parked)])

    assert again[0] == {"event": "refused", "record": name(parked), "reason": "it is discarded already"}
    assert await gateway.status(job_id()) == before
    [discarded] = gateway.log.of(JOB_DISCARDED)
    assert JobDiscarded.model_validate_json(discarded.data) == JobDiscarded(
        job_id=job_id(), stage="images", parked=name(parked)
    )
    [(kind, detail)] = await rows(tables, "select type, detail->>'parked' from events where type like '%discarded%'")
    assert (kind, detail) == (JOB_DISCARDED.name, name(parked))
    await _folded_anew_is_the_same(gateway, tables)


async def test_what_cannot_be_sent_again_is_refused_with_the_reason(gateway: GatewayUnderTest):
    forged = park(gateway, record(script_written(1), topic="keyframe.video.requested.v1"))
    stopped, gone, good = (park(gateway, record(script_written(number))) for number in (2, 3, 4))
    await gateway.log.deliver(video_requested(2), JobCancelled(job_id=job_id(2)), forged, stopped, gone, good)
    kept = gateway.log.kept[QUEUE]
    kept[gone.offset] = replace(kept[gone.offset], offset=-1)
    asked = [name(one) for one in (forged, stopped, gone, good, good)]

    lines = await ask(gateway, "redrive", records=[*asked, f"{QUEUE}/3/99"])

    assert [(line["record"], line.get("reason")) for line in lines[:-1]] == [
        (name(forged), "it says that it does not come from keyframe.script.written.v1"),
        (name(stopped), "its job is cancelled"),
        (name(gone), "it is on the log no more"),
        (name(good), None),
        (f"{QUEUE}/3/99", "there is no such record"),
    ]
    assert lines[-1] == {"event": "done", "totals": {"refused": 4, "redriven": 1}}
    assert [one.key for one in gateway.log.written] == [job_id(4).encode()]


@pytest.mark.parametrize("minutes", [(2, 1), (1, 2)])
@pytest.mark.parametrize("together", [True, False])
async def test_a_discard_that_was_told_twice_was_told_first_at_its_earliest_time(
    gateway: GatewayUnderTest, tables: str, minutes: tuple[int, int], together: bool
):
    event = JobDiscarded(job_id=job_id(1), stage="images", parked=f"{QUEUE}/0/0")
    tellings = [envelope(event, time=NOON + timedelta(minutes=minute)) for minute in minutes]
    for batch in [tellings] if together else [[telling] for telling in tellings]:
        await gateway.log.deliver(*batch)
    earliest = NOON + timedelta(minutes=1)
    assert await rows(tables, "select time from events") == [(earliest,)]
    assert await rows(tables, "select settled_at from dead_letters") == [(earliest,)]


async def test_a_hundred_records_go_back_once_each(gateway: GatewayUnderTest):
    parked = [park(gateway, record(script_written(number)), minute=number) for number in range(1, 101)]
    await gateway.log.deliver(*parked)

    first = await ask(gateway, "redrive", all=True)
    second = await ask(gateway, "redrive", all=True)

    assert first[-1] == {"event": "done", "totals": {"redriven": 100}}
    assert [line["record"] for line in first[:-1]] == [name(one) for one in parked]
    assert second == [{"event": "done", "totals": {}}]
    assert [one.key for one in gateway.log.written] == [one.key for one in parked]
    assert len({each.id for each in gateway.log.of(JOB_REDRIVEN)}) == 100


async def test_a_redrive_that_kafka_broke_off_is_repeated(gateway: GatewayUnderTest):
    parked = park(gateway, record(script_written()))
    await gateway.log.deliver(parked)
    gateway.log.away = True
    [line] = await ask(gateway, "redrive", all=True)
    assert line["event"] == "error"
    gateway.log.away = False
    assert (await ask(gateway, "redrive", all=True))[0]["event"] == "redriven"


async def test_a_redrive_shows_at_once_and_again_when_it_comes_by_the_log(gateway: GatewayUnderTest, tables: str):
    parked = park(gateway, record(script_written()))
    gateway.view.broken = True
    await gateway.view.park([])
    gateway.view.broken = False
    event = JobRedriven(job_id=job_id(), stage="images", redrives=1, parked=name(parked))
    await gateway.log.deliver(event)  # it overtakes the record itself
    assert await listed(gateway, settled=True) == []
    await gateway.log.deliver(parked)
    assert [item["settled"] for item in await listed(gateway, settled=True)] == ["redriven"]
    late, early = (
        replace(envelope(JobDiscarded(job_id=job_id(), stage="images", parked=name(parked)), time=NOON), id=one)
        for one in (job_id(8), job_id(9))
    )
    await gateway.log.deliver(replace(late, time=NOON + timedelta(hours=1)))
    await gateway.log.deliver(replace(early, time=NOON - timedelta(hours=1)))
    [row] = await rows(tables, "select settled, settled_at from dead_letters")
    assert row == ("discarded", NOON - timedelta(hours=1))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"records": []},
        {"records": ["x"]},
        {"records": [f"{QUEUE}/0/0"], "all": True},
        {"records": [f"{QUEUE}/0/0"], "stage": "images"},
        {"stage": "images"},
        {"all": True, "stage": "music"},
        {"all": True, "job": "x"},
        {"all": True, "code": "'; drop table"},
        {"all": True, "other": 1},
        {"records": [f"{QUEUE}/0/0"] * 1001},
    ],
)
async def test_a_selection_that_is_not_clear_is_refused(gateway: GatewayUnderTest, body: dict[str, Any]):
    for what in ("redrive", "discard"):
        answer = await gateway.client.post(f"{API}/{what}", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"]


HEADERS: Sequence[tuple[tuple[str, bytes | None], ...]] = [
    (),
    (("keyframe_code", None), ("keyframe_attempts", b"9" * 5000), ("keyframe_reason", b"\x00\xff" * 1000)),
    (("ce_redrives", b"9" * 5000), ("keyframe_topic", b"\xff"), ("keyframe_attempts", b"-3")),
    (("ce_redrives", "٣".encode()), ("ce_id", b"\x00"), ("ce_subject", b"x"), ("keyframe_null_value", b"true")),
]


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("value", [None, b"", b"\x00", b'{"job_id": 1}', b"[" * 100_000])
async def test_a_queue_of_rubbish_breaks_nothing(
    gateway: GatewayUnderTest, headers: tuple[tuple[str, bytes | None], ...], value: bytes | None
):
    [bad] = gateway.log.keep(Record(QUEUE, 0, 0, 2**62, headers, b"\x00", value))
    good = park(gateway, record(script_written()))
    await gateway.log.deliver(bad, good)
    assert {item["record"] for item in await listed(gateway)} == {name(bad), name(good)}
    assert (await gateway.client.get(f"{API}/{name(bad)}")).status_code == 200
    lines = await ask(gateway, "redrive", all=True)
    assert lines[-1] == {"event": "done", "totals": {"redriven": 1, "refused": 1}}
    assert [one.key for one in gateway.log.written] == [job_id().encode()]


async def test_a_token_is_asked_for(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, api_token=TOKEN) as gateway:
        answers: list[httpx.Response] = [
            await gateway.client.get(API),
            await gateway.client.get(f"{API}/{QUEUE}/0/0"),
            await gateway.client.post(f"{API}/redrive", json={"all": True}),
            await gateway.client.post(f"{API}/discard", json={"all": True}),
            await gateway.client.delete(f"/api/v1/jobs/{job_id()}"),
        ]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert gateway.log.of(JOB_CANCELLED) == []

"""What operators type, against a gateway on a real Kafka and a real Postgres."""

import asyncio
import json
import random
import string
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from runtime.dead_letters import Failure, parked_headers
from runtime.kafka import Connection, KafkaLog, ensure_topics
from runtime.records import Record
from schemas.topics import JOB_CANCELLED, SCRIPT_WRITTEN, TOPICS, dead_letters
from tests.builders import envelope, record, script_written, video_requested
from tests.integration.gateway.test_gateway_kafka import becomes, says, serving_gateway, stages

RUNS = """
import contextlib, io, json, sys
from keyframe.cli import main
told = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["keyframe", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as complained:
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    told.append((status, said.getvalue(), complained.getvalue()))
print(json.dumps(told))
"""
"""Several commands in one process: most of the time that one takes goes into its imports."""


async def keyframe(client: httpx.AsyncClient, *commands: list[str]) -> list[tuple[int, str, str]]:
    """Exit status, output and complaints of each `keyframe COMMAND`."""
    given = json.dumps([[*command, f"--url={client.base_url}"] for command in commands])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUNS, given, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    return [(status, said, complained) for status, said, complained in json.loads(told)]


async def park(log: KafkaLog, came: Record, code: str) -> None:
    headers = parked_headers(came, "images", Failure(code, "a\x1bdrill", 4))
    await log.publish_bytes(dead_letters("images"), key=came.key, value=came.value or b"", headers=headers)


async def parked(client: httpx.AsyncClient, code: str, count: int) -> list[dict[str, Any]]:
    """The parked records of this code, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            page = (await client.get("/api/v1/dead-letters", params={"code": code, "limit": 100})).json()["items"]
            if len(page) == count:
                return page
            await asyncio.sleep(0.05)


def some_code() -> str:
    """The broker is shared: a code of the test's own."""
    return "drill_" + "".join(random.choices(string.ascii_lowercase, k=12))  # noqa: S311 - no secret


async def arrived(log: KafkaLog, keys: set[bytes]) -> list[Record]:
    """What lies on the topic that images reads, under these keys."""
    async with log.reading() as reading:
        start, end = await reading.starts([SCRIPT_WRITTEN]), await reading.ends([SCRIPT_WRITTEN])
        return [each async for records in reading.read(start, end) for each in records if each.key in keys]


async def test_a_hundred_parked_records_go_back_once_each(kafka_bootstrap: str, tables: str, tmp_path: Path):
    await ensure_topics(Connection(kafka_bootstrap), TOPICS)
    code = some_code()
    events = [envelope(script_written().model_copy(update={"job_id": str(uuid4())})) for _ in range(98)]
    came = [record(each) for each in events]
    odd = str(uuid4()).encode()
    came.append(record(events[0], key=odd, value=None))
    came.append(record(events[0], key=odd, value=b"\xff", headers=(("ce_id", b"\xff"), ("x", None))))
    async with serving_gateway(kafka_bootstrap, tables, tmp_path) as client, stages(kafka_bootstrap) as log:
        await becomes(client, "/readyz", status="ready")
        await asyncio.gather(*(park(log, each, code) for each in came))
        await parked(client, code, 100)

        redrive = ["dlq", "redrive", "--all", "--code", code]
        (status, said, _), again = await keyframe(client, [*redrive, "--json"], redrive)

        assert (status, again) == (0, (0, "Nothing is parked.\n", ""))
        lines = [json.loads(line) for line in said.splitlines()]
        assert lines[-1] == {"event": "done", "totals": {"redriven": 100}}
        there = await arrived(log, {each.key for each in came if each.key})
        assert sorted((one.key or b"", one.value or b"") for one in there) == sorted(
            (one.key or b"", one.value or b"") for one in came
        )
        assert [one.value for one in there if one.key == odd].count(None) == 1
        broken = next(one for one in there if one.value == b"\xff")
        assert set(broken.headers) >= {("ce_id", b"\xff"), ("x", b""), ("ce_redrives", b"1")}
        assert not [name for one in there for name, _ in one.headers if name.startswith("keyframe_")]


async def test_the_commands(kafka_bootstrap: str, tables: str, tmp_path: Path):
    await ensure_topics(Connection(kafka_bootstrap), TOPICS)
    code, job = some_code(), str(uuid4())
    came = record(script_written().model_copy(update={"job_id": job}))
    async with serving_gateway(kafka_bootstrap, tables, tmp_path) as client, stages(kafka_bootstrap) as log:
        await becomes(client, "/readyz", status="ready")
        await says(log, video_requested(job_id=job))
        for _ in range(3):
            await park(log, came, code)
        [first, second, third] = await parked(client, code, 3)
        one, other, last, nobody = first["record"], second["record"], third["record"], str(uuid4())

        told = await keyframe(
            client,
            ["dlq", "list", "--code", "nothing"],
            ["dlq", "list", "--code", code, "--json"],
            ["dlq", "list", "--stage", "images", "--job", job],
            ["dlq", "show", one],
            ["dlq", "show", "nowhere/0/0"],
            ["dlq", "discard", other],
            ["dlq", "discard", "--yes", other],
            ["dlq", "discard", "--yes", other, last],
            *(["dlq", "redrive", *unclear] for unclear in ([], ["--all", one], ["--stage", "images"])),
            ["cancel", job],
            ["cancel", job, nobody],
            ["dlq", "redrive", one],
            ["dlq", "redrive", "--all", "--code", code],
            ["dlq", "redrive", "--all", "--code", "nothing"],
        )

        nothing, as_json, table, shown, nowhere, unsaid, discarded, partly, *told = told
        *unclear, cancelled, twice, refused, all_refused, none = told
        assert nothing == (0, "Nothing is parked.\n", "")
        assert (as_json[0], json.loads(as_json[1])) == (0, [first, second, third])
        assert table[0] == 0
        assert "a drill" in table[1]  # what speaks to the terminal is left out
        assert (shown[0], json.loads(shown[1])["content"]["key"]) == (0, job)
        assert nowhere == (1, "", "There is no such record.\n")
        assert (unsaid[0], "Give them up?" in unsaid[2]) == (1, True)
        assert discarded == (0, f"{other}: discarded\n1 discarded.\n", "")
        already = f"{other}: it is discarded already\n"
        assert partly == (1, f"{last}: discarded\n1 refused, 1 discarded.\n", already)
        assert [status for status, _, _ in unclear] == [2, 2, 2]
        assert cancelled == (0, f"{job}: cancelled\n", "")
        assert twice == (1, f"{job}: cancelled\n", f"{nobody}: There is no such job.\n")
        assert refused == all_refused == (1, "1 refused.\n", f"{one}: its job is cancelled\n")
        assert none == (0, "Nothing is parked.\n", "")
        assert await arrived(log, {job.encode()}) == []
        async with log.reading() as reading:
            start, end = await reading.starts([JOB_CANCELLED]), await reading.ends([JOB_CANCELLED])
            keys = [each.key async for records in reading.read(start, end) for each in records]
        assert keys.count(job.encode()) == 1

"""GET /api/v1/topics, and the command that shows it."""

import asyncio
import sys
from pathlib import Path

from runtime.kafka import Connection, ensure_topics
from schemas.topics import SCRIPT_WRITTEN, TOPICS, VIDEO_REQUESTED
from tests.builders import script_written, video_requested
from tests.gateways import BODY, GatewayUnderTest, problem
from tests.integration.gateway.test_gateway_kafka import becomes, serving_gateway


async def test_each_topic_says_what_it_holds_and_who_is_behind(gateway: GatewayUnderTest):
    gateway.log.keep(video_requested(1), video_requested(2), script_written(1))
    answer = (await gateway.client.get("/api/v1/topics")).json()
    by_name = {topic["name"]: topic for topic in answer["topics"]}
    assert list(by_name) == [topic.name for topic in TOPICS]
    requested = by_name[VIDEO_REQUESTED.name]
    assert requested["records"] == 2
    assert (requested["retention_ms"], requested["cleanup_policy"]) == (-1, "delete")
    assert requested["lag"] == {"keyframe.script": 1, "keyframe.gateway": 1}
    assert requested["partitions"] == [
        {"partition": 0, "first": 0, "next": 2, "lag": {"keyframe.script": 1, "keyframe.gateway": 1}}
    ]
    assert by_name[SCRIPT_WRITTEN.name]["lag"] == {"keyframe.images": 1, "keyframe.gateway": 1}


async def test_without_a_broker_nothing_is_said(gateway: GatewayUnderTest):
    gateway.log.away = True
    problem(await gateway.client.get("/api/v1/topics"), 503)


async def keyframe(*arguments: str) -> str:
    """What `keyframe ARGUMENTS` prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "keyframe", *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_a_real_log_shows_retention_and_lag(kafka_bootstrap: str, tables: str, tmp_path: Path):
    await ensure_topics(Connection(kafka_bootstrap), TOPICS)
    async with serving_gateway(kafka_bootstrap, tables, tmp_path) as client:
        await becomes(client, "/readyz", status="ready")
        answer = await client.get("/api/v1/topics")
        assert answer.status_code == 200, answer.text
        by_name = {topic["name"]: topic for topic in answer.json()["topics"]}
        for topic in TOPICS:
            told = by_name[topic.name]
            assert len(told["partitions"]) == topic.partitions
            assert told["retention_ms"] == topic.retention_ms
            assert told["cleanup_policy"] == ("compact" if topic.compacted else "delete")
        before = by_name[VIDEO_REQUESTED.name]["lag"]["keyframe.script"]  # nobody is in that group
        assert (await client.post("/api/v1/generate", json=BODY)).status_code == 202
        shown = await keyframe("topics", "--url", str(client.base_url))
    (line,) = (line for line in shown.splitlines() if line.startswith(VIDEO_REQUESTED.name))
    assert "for ever" in line
    assert f"script {before + 1}," in line

"""GET /api/v1/topics"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from runtime.kafka import Lag, Offsets
from schemas.topics import TOPICS, Topic
from services.gateway.measures import GROUPS
from services.gateway.ports import Log
from services.gateway.problems import documented
from services.gateway.routes.shared import Gateway, readable

router = APIRouter()

Behind = Annotated[dict[str, int], Field(examples=[{"keyframe.images": 3, "keyframe.gateway": 0}])]


class PartitionOfTopic(BaseModel):
    """One partition, and how far each group is behind on it."""

    partition: int
    first: int
    """The offset of the first record that is kept."""
    next: int
    """The offset that the next record will have."""
    lag: Behind


class TopicOnLog(BaseModel):
    """A topic as the brokers have it."""

    name: Annotated[str, Field(examples=["keyframe.script.written.v1"])]
    meaning: str
    records: int
    """How many offsets are kept: of a compacted topic, there may be fewer records."""
    retention_ms: int | None
    """Milliseconds; -1 is for ever, null is what the brokers do not tell."""
    cleanup_policy: Annotated[str | None, Field(examples=["delete"])]
    lag: Behind
    """Records that each group has before it, on all partitions."""
    partitions: list[PartitionOfTopic]
    """Empty where the topic is not made yet."""


class TopicsOnLog(BaseModel):
    """All topics."""

    topics: list[TopicOnLog]


@readable(router, "/topics", summary="See the topics and who is behind on them", responses=documented(401, 503))
async def topics(gateway: Gateway) -> TopicsOnLog:
    """Every topic, with its partitions, offsets and retention, and the lag of each group that reads it."""
    (starts, ends), lags, kept = await asyncio.gather(
        _offsets(gateway.log),
        gateway.log.lags(GROUPS),
        gateway.log.retention([topic.name for topic in TOPICS]),
    )
    return TopicsOnLog(topics=[_topic(topic, starts, ends, lags, kept.get(topic.name, {})) for topic in TOPICS])


async def _offsets(log: Log) -> tuple[Offsets, Offsets]:
    async with log.reading() as reading:
        return await reading.starts(TOPICS), await reading.ends(TOPICS)


def _topic(topic: Topic, starts: Offsets, ends: Offsets, lags: Iterable[Lag], kept: Mapping[str, str]) -> TopicOnLog:
    own = [lag for lag in lags if lag.topic == topic.name]
    partitions = [
        PartitionOfTopic(
            partition=number,
            first=starts.get((name, number), end),  # one that has come since
            next=end,
            lag=_behind([lag for lag in own if lag.partition == number]),
        )
        for (name, number), end in sorted(ends.items())
        if name == topic.name
    ]
    return TopicOnLog(
        name=topic.name,
        meaning=topic.meaning,
        records=sum(each.next - each.first for each in partitions),
        retention_ms=int(kept["retention.ms"]) if "retention.ms" in kept else None,
        cleanup_policy=kept.get("cleanup.policy"),
        lag=_behind(own),
        partitions=partitions,
    )


def _behind(lags: Sequence[Lag]) -> dict[str, int]:
    behind = dict.fromkeys((lag.group for lag in lags), 0)
    for lag in lags:
        behind[lag.group] += lag.records
    return behind

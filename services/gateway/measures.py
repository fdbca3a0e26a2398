"""What nobody tells the gateway and it has to look for: how far each group is behind, and how many jobs there are."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from runtime.kafka import Lag
from runtime.metrics import CONSUMER_LAG, JOBS
from schemas.topics import CHAIN, STAGES, Topic
from services.gateway.projector import FOLLOWED, GROUP

PAUSE = 15.0
"""Seconds between two looks."""

GROUPS: Mapping[str, Sequence[Topic]] = {
    **{f"keyframe.{stage}": [topic for topic in CHAIN if stage in topic.consumers] for stage in STAGES},
    GROUP: tuple(FOLLOWED.values()),
}
"""What each consumer group reads."""

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway.measures")


class Jobs(Protocol):
    """Who knows how many jobs there are."""

    async def jobs_by_status(self) -> Mapping[str, int]: ...


@dataclass(frozen=True)
class Measures:
    """Looks again and again. The gateway does it for all groups, since a stage without a replica has lag too."""

    jobs: Jobs
    lags: Callable[[], Awaitable[Sequence[Lag]]]

    async def look(self) -> None:
        """Sets the metrics. What cannot be looked at now has no value rather than an old one."""
        await asyncio.gather(self._look_at_lag(), self._look_at_jobs())

    async def keep_looking(self) -> None:
        """A chore."""
        while True:
            await self.look()
            await asyncio.sleep(PAUSE)

    async def _look_at_lag(self) -> None:
        behind = Counter[tuple[str, str]]()
        try:
            for lag in await self.lags():
                behind[lag.group, lag.topic] += lag.records
        except Exception as error:  # also a bug in here is no reason to end a gateway that serves
            logger.warning("lag not looked at", reason=repr(error))
        CONSUMER_LAG.clear()
        for (group, topic), records in behind.items():
            CONSUMER_LAG.labels(group, topic).set(records)

    async def _look_at_jobs(self) -> None:
        counted: Mapping[str, int] = {}
        try:
            counted = await self.jobs.jobs_by_status()
        except Exception as error:  # the same
            logger.warning("jobs not counted", reason=repr(error))
        JOBS.clear()
        for status, jobs in counted.items():
            JOBS.labels(status).set(jobs)

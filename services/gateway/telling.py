"""What the gateway says of jobs: on the log first, in the view at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from runtime.clock import Clock
from runtime.tracing import publishing
from schemas.envelope import Envelope, derive_id
from schemas.jobs import JobEvent
from schemas.topics import ServiceName, topic_of
from services.gateway.ports import Log, StatusView
from services.gateway.projection import Fact
from services.gateway.projector import fact_of

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway")


@dataclass(frozen=True)
class Telling:
    """Publishes the gateway's events about jobs."""

    log: Log
    view: StatusView
    now: Clock

    async def publish(self, event: JobEvent, *cause: object) -> Fact:
        """The event as a fact, once the log has it. Its id derives from the cause. Raises `Unavailable`."""
        topic = topic_of(event)
        envelope = Envelope(
            id=derive_id(ServiceName.GATEWAY, topic.name, *cause),
            type=topic.name,
            source=f"/keyframe/{ServiceName.GATEWAY}",
            subject=event.job_id,
            time=self.now(),
            data=event.model_dump_json().encode(),
        )
        with publishing(envelope):
            await self.log.publish(topic, envelope)
        return fact_of(envelope, topic)

    async def fold(self, facts: Sequence[Fact]) -> None:
        """Brings what was published into the view, so that whoever said it sees it. The projection would do it too."""
        try:
            await self.view.apply(facts)
        except Exception as error:
            logger.warning("the projection will catch up", facts=len(facts), reason=repr(error))

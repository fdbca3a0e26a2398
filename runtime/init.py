"""What a new stack needs before its first record, made by a job that ends: `python -m runtime.init`

Topics and bucket that are there already stay as they are.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from runtime.clock import Clock, utc_now
from runtime.errors import Unavailable
from runtime.kafka import ensure_topics, kafka_connection
from runtime.s3_objects import S3Objects
from runtime.settings import CommonSettings, InvalidSetting, S3Settings
from runtime.stores import object_store
from runtime.telemetry import configure_logs
from schemas.topics import TOPICS

log = structlog.get_logger(__name__)

PATIENCE = timedelta(minutes=2)
PAUSE_SECONDS = 1.0


async def make_ready(common: CommonSettings, s3: S3Settings) -> None:
    """Sees to the topics and, where objects lie in S3, to the bucket.

    Raises:
        InvalidSetting: a setting cannot be.
        Unavailable: Kafka or the store refuses us, or stayed away for `PATIENCE`.
    """
    connection, store = kafka_connection(common), object_store(common, s3)
    await patiently(lambda: ensure_topics(connection, TOPICS))
    log.info("the topics are there", topics=len(TOPICS))
    if isinstance(store, S3Objects):
        await patiently(store.ensure_bucket)
        log.info("the bucket is there", bucket=s3.s3_bucket)


async def patiently(step: Callable[[], Awaitable[None]], *, pause: float = PAUSE_SECONDS, now: Clock = utc_now) -> None:
    """Tries until the other side is up. Raises `Unavailable` where it refuses us, or did not come in time."""
    until = now() + PATIENCE
    while True:
        try:
            return await step()
        except Unavailable as error:
            if error.refused or now() >= until:
                raise
            log.info("waiting", reason=str(error))
            await asyncio.sleep(pause)


def main() -> None:
    """What was foreseen ends it with one sentence."""
    try:
        common = CommonSettings()
        configure_logs(common)
        asyncio.run(make_ready(common, S3Settings()))
    except (InvalidSetting, Unavailable) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""The gateway as a process: its app on HTTP, its consumer on the log."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from functools import partial

from runtime.http import serving
from runtime.kafka import Connection, KafkaLog
from runtime.kafka.admin import lags
from runtime.objects import ObjectStore
from runtime.process import run_on_log
from services.gateway.app import DRAIN, GatewaySettings, create_app
from services.gateway.measures import GROUPS, Measures
from services.gateway.status_view import PostgresView


@contextlib.asynccontextmanager
async def running_gateway(
    settings: GatewaySettings,
    connection: Connection,
    artefacts: ObjectStore,
    published: ObjectStore | None,
    *,
    static_id: str | None = None,
    measured: bool = False,
) -> AsyncGenerator[str]:
    """The gateway for as long as the context is open; gives its address.

    Where a bug ends the following of the log, the context's body is cancelled and the bug is raised: a
    gateway that serves an ever older view is worse than none.

    Args:
        measured: the lag of all groups and the jobs by status are looked at for the metrics.

    Raises:
        AddressTaken: another program has its port.
        MigrationRefused: the database belongs to another version.
    """
    kafka = KafkaLog(connection, "keyframe-gateway", graceful=DRAIN)
    view = PostgresView(settings.postgres_dsn.get_secret_value())
    app = create_app(settings, kafka, view, artefacts, published=published, static_id=static_id)
    stopping = asyncio.Event()
    chores = (Measures(view, partial(lags, connection, GROUPS)).keep_looking,) if measured else ()
    async with serving(app, settings.gateway_host, settings.gateway_port) as address:
        following = asyncio.create_task(run_on_log(kafka, stopping, chores=chores))
        body = asyncio.current_task()
        assert body is not None  # noqa: S101 - this is a coroutine
        following.add_done_callback(lambda _: None if stopping.is_set() else body.cancel())
        try:
            yield address
        except asyncio.CancelledError:
            if following.done():
                body.uncancel()  # it was us; below, the bug is raised instead
            raise
        finally:
            stopping.set()
            await following

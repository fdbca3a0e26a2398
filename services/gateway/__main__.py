"""`python -m services.gateway`"""

import asyncio
import sys

from runtime.health import metrics_app
from runtime.http import AddressTaken, serving
from runtime.kafka import kafka_connection
from runtime.process import stop_on_signals
from runtime.settings import CommonSettings, InvalidSetting, S3Settings
from runtime.stores import object_store, public_store
from runtime.telemetry import configure_logs
from runtime.tracing import TraceSettings, exporting
from schemas.topics import ServiceName
from services.gateway.app import DRAIN, GatewaySettings
from services.gateway.migrate import MigrationRefused
from services.gateway.server import running_gateway


async def serve(common: CommonSettings, settings: GatewaySettings) -> None:
    """Runs the gateway until SIGTERM or SIGINT."""
    s3 = S3Settings()
    artefacts, published = object_store(common, s3), public_store(common, s3)
    stopping = stop_on_signals(DRAIN)
    async with (
        exporting(f"keyframe-{ServiceName.GATEWAY}", TraceSettings()),
        serving(metrics_app(), common.health_host, common.health_port),
        running_gateway(settings, kafka_connection(common), artefacts, published, measured=True),
    ):
        await stopping.wait()


def main() -> None:
    """What was foreseen ends it with one sentence."""
    try:
        common = CommonSettings()
        configure_logs(common)
        asyncio.run(serve(common, GatewaySettings()))
    except (InvalidSetting, AddressTaken, MigrationRefused) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

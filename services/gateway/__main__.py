"""`python -m services.gateway`"""

import asyncio

from runtime.process import stop_on_signals
from runtime.settings import CommonSettings, S3Settings
from runtime.stores import object_store, public_store
from runtime.telemetry import configure_logs
from services.gateway.app import DRAIN, GatewaySettings
from services.gateway.server import running_gateway


async def main(common: CommonSettings) -> None:
    s3 = S3Settings()
    stopping = stop_on_signals(DRAIN)
    async with running_gateway(
        GatewaySettings(), common.kafka_bootstrap, object_store(common, s3), public_store(common, s3)
    ):
        await stopping.wait()


if __name__ == "__main__":
    common = CommonSettings()
    configure_logs(common)
    asyncio.run(main(common))

"""Schemathesis: the gateway does what its OpenAPI says, whatever it is sent."""

import asyncio
import sys
from pathlib import Path

from runtime.http import serving
from schemas.jobs import JobProgressed
from tests.builders import chain, job_id, script_written
from tests.gateways import TOKEN, GatewayUnderTest, running

EXAMPLES = 10
"""Requests that are made up for each operation, beside those that its schema's edges call for."""

LEFT_OUT = ("positive_data_acceptance",)
"""A schema cannot say that a prompt shows something, or that a job is there."""


async def test_the_api_does_what_its_description_says(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, gateway_max_unfinished=1_000_000, api_token=TOKEN) as gateway:
        await _fill(gateway)
        async with serving(gateway.app, "127.0.0.1", 0) as address:
            code, output = await _schemathesis(f"{address}/openapi.json")
    assert code == 0, output


async def _fill(gateway: GatewayUnderTest) -> None:
    """Jobs to be found: a finished one, and one under way."""
    began = JobProgressed(job_id=job_id(2), stage="images", step=0, steps=3, label="began")
    await gateway.log.deliver(*chain(), script_written(2), began)


async def _schemathesis(schema: str) -> tuple[int | None, str]:
    """The tool's exit status, and what it wrote."""
    options = [
        "--checks=all",
        f"--exclude-checks={','.join(LEFT_OUT)}",
        f"--max-examples={EXAMPLES}",
        "--seed=1",
        "--mode=all",
        "--generation-database=none",
        "--request-timeout=20",
        "--no-color",
        f"--header=Authorization: Bearer {TOKEN.get_secret_value()}",
    ]
    tool = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        schema,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await tool.communicate()
    finally:
        if tool.returncode is None:
            tool.kill()
            await tool.wait()
    return tool.returncode, output.decode()

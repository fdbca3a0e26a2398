"""An engine to run stacks on."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.compose.stack import BUILD_SECONDS, DockerFailed, Stack, docker

# Read before the environment is scrubbed.
REQUIRED = os.environ.get("KEYFRAME_COMPOSE_TESTS") == "required"


@pytest.fixture(scope="session")
async def engine() -> str:
    """The version of the Docker engine that answers; without one the tests skip, or fail where they are required."""
    try:
        version = await docker("version", "--format", "{{.Server.Version}}", seconds=30)
        await docker("compose", "version", seconds=30)
    except (DockerFailed, TimeoutError) as error:
        if REQUIRED:
            pytest.fail(f"KEYFRAME_COMPOSE_TESTS=required, but no engine with Compose answers: {error}")
        pytest.skip(f"no Docker engine with Compose answers: {error}")
    return version.strip()


@pytest.fixture(scope="session")
async def images(engine: str) -> None:
    """The images are built from the Dockerfile as it is."""
    await Stack().compose("build", "--quiet", seconds=BUILD_SECONDS)


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway of a module's stack, as it is reached from outside; the stack is shown where a test fails."""
    async with httpx.AsyncClient(base_url=stack.address, timeout=60) as client:
        try:
            yield client
        finally:
            print(await stack.report())

"""A stack of docker-compose.yml under a name of its own, driven by `docker compose`."""

import asyncio
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from keyframe.embedded.ports import free_port

PROJECT = Path(__file__).parents[2]
TAG = "test"
"""Of the images: they are kept for the next run, whose build is then quick."""

BUILD_SECONDS = 1800.0
"""The first build downloads what the services run on."""

QUICK = {
    "KEYFRAME_ASSEMBLER_SHORT_SIDE": "240",
    "KEYFRAME_IMAGES_PARALLEL": "1",
    "KEYFRAME_SCRIPT_WIKIPEDIA": "false",
}

_PUT = re.compile(r"\|\s*200\s*\|[^|]*\|\s*(\S+)\s*\|\s*PUT\s*\|\s*/keyframe/(\S+)")


class DockerFailed(Exception):
    """A command of Docker's did not end well; the message is the end of what it said."""


async def docker(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b"", seconds: float = 300
) -> str:
    """What a command of Docker's prints. Raises `DockerFailed`, `TimeoutError`."""
    program = shutil.which("docker")
    if program is None:
        raise DockerFailed("there is no docker command")
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            said, complained = await process.communicate(stdin)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise DockerFailed(f"docker {' '.join(arguments)}: {complained.decode(errors='replace')[-3000:]}")
    return said.decode(errors="replace")


@dataclass
class Stack:
    """One stack.

    Args:
        files: the compose files.
        settings: what a user would write into `.env`.
    """

    files: Sequence[str] = ("docker-compose.yml",)
    settings: dict[str, str] = field(default_factory=dict[str, str])
    name: str = field(default_factory=lambda: f"keyframe-test-{uuid4().hex[:8]}")
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        """Where the gateway is published."""
        return f"http://127.0.0.1:{self.port}"

    async def compose(self, *arguments: str, seconds: float = 300) -> str:
        """What `docker compose` prints. Nobody's `.env` is read."""
        chosen = [part for file in self.files for part in ("--file", file)]
        environment = {"KEYFRAME_TAG": TAG, "KEYFRAME_GATEWAY_PORT": str(self.port), **QUICK, **self.settings}
        return await docker(
            *("compose", "--project-name", self.name, "--env-file", os.devnull, *chosen, *arguments),
            environment=environment,
            seconds=seconds,
        )

    async def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of each container of a service that runs."""
        ids = (await self.compose("ps", "--quiet", service)).split()
        return json.loads(await docker("inspect", *ids)) if ids else []

    async def addresses(self, service: str) -> dict[str, str]:
        """The containers of a service by their address on the stack's network."""
        return {
            network["IPAddress"]: container["Id"]
            for container in await self.containers(service)
            for network in container["NetworkSettings"]["Networks"].values()
        }

    async def puts(self, prefix: str) -> list[tuple[str, str]]:
        """Every object under a prefix that was written, as often as it was, with who wrote it, by the store's log."""
        said = await self.compose("logs", "--no-log-prefix", "s3")
        return [(who, key) for who, key in _PUT.findall(said) if key.startswith(prefix)]

    async def written(self, prefix: str) -> Counter[str]:
        """How often each object under a prefix was written."""
        return Counter(key for _, key in await self.puts(prefix))

    async def report(self) -> str:
        """How the containers are and the end of what they said, for a test that failed."""
        return await self.compose("ps", "--all") + await self.compose("logs", "--tail", "40")

    async def down(self) -> None:
        """Removes all of it but the images."""
        await self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")


@asynccontextmanager
async def running(stack: Stack, *options: str) -> AsyncGenerator[Stack]:
    """The stack, up and healthy for as long as the context is open; then nothing of it is left."""
    try:
        await stack.compose("up", "--detach", "--wait", "--no-build", *options, seconds=600)
        yield stack
    except DockerFailed as error:
        raise DockerFailed(f"{error}\n{await stack.report()}") from error
    finally:
        await stack.down()

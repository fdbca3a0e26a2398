"""The gateway that a command speaks to: one that runs, or the stack of a data folder for as long as it takes."""

from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from keyframe.client import Client
from keyframe.display import PartsDisplay
from keyframe.embedded.settings import StackSettings
from keyframe.stack import Stack, running_stack

Result = TypeVar("Result")

URL = "http://127.0.0.1:3000"

Url = Annotated[str, typer.Option(help="The gateway's address.")]
Token = Annotated[str | None, typer.Option(envvar="KEYFRAME_API_TOKEN", help="The gateway's bearer token.")]


@dataclass(frozen=True)
class Remote:
    """A gateway to speak to."""

    client: Client
    stack: Stack | None
    """The stack that this command started for itself, which ends with it; None where a gateway ran already."""

    async def unless_ended(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`; raises what ended our own stack where that came first."""
        return await (self.stack.unless_ended(work) if self.stack else work)


@asynccontextmanager
async def gateway(url: str, token: str | None, settings: StackSettings, console: Console) -> AsyncGenerator[Remote]:
    """The gateway at `url`; where none answers at the usual address, the stack of the data folder is started.

    Raises:
        GatewayError: no gateway answers, and there is no data to start one on.
    """
    async with Client(url, token) as client:
        if url != URL or await client.answers() or not settings.data.exists():
            yield Remote(client, None)
            return
    with PartsDisplay(console) as report:
        async with running_stack(settings, None, report) as stack, Client(stack.address, stack.token) as client:
            report.stop()
            yield Remote(client, stack)

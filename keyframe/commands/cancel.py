"""`keyframe cancel`"""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from keyframe.client import GatewayError
from keyframe.remote import URL, Token, Url, gateway
from keyframe.running import Data, complaints, console, run, settings_of


def cancel(
    jobs: Annotated[list[str], typer.Argument(metavar="JOB…", help="Ids of jobs.", show_default=False)],
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """Stop jobs: what is under way ends, and no paid call begins any more."""
    run(_cancel(jobs, url, token, data))


async def _cancel(jobs: list[str], url: str, token: str | None, data: Path | None) -> int:
    refused = False
    async with gateway(url, token, settings_of(data), console) as remote:
        for job in jobs:
            try:
                answer = await remote.unless_ended(remote.client.call("DELETE", f"/jobs/{quote(job, safe='')}"))
            except GatewayError as error:
                refused = True
                complaints.print(f"{escape(job)}: [red]{escape(str(error))}[/]", soft_wrap=True)
            else:
                console.print(f"{answer['jobId']}: {answer['status']}", soft_wrap=True)
    return int(refused)

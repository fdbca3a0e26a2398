"""`keyframe view rebuild`"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from keyframe.client import Client, GatewayError
from keyframe.remote import URL, Token, Url, gateway
from keyframe.running import Data, console, run, settings_of

view = typer.Typer(help="The status view, which all reads are served from.", no_args_is_help=True)

Lossy = Annotated[
    bool, typer.Option("--lossy", help="Also where the log has dropped records: what only they told is lost.")
]


@view.callback()
def _() -> None:
    """Keeps `rebuild` a command of its own as long as there is no other."""


@view.command()
def rebuild(lossy: Lossy = False, url: Url = URL, token: Token = None, data: Data = None) -> None:
    """Fold the whole log anew and put the result in place, while reads go on. Ctrl-C leaves all as it was."""
    run(_rebuild(url, token, data, lossy=lossy))


async def _rebuild(url: str, token: str | None, data: Path | None, *, lossy: bool) -> int:
    async with gateway(url, token, settings_of(data), console) as remote:
        done = await remote.unless_ended(_followed(remote.client, lossy=lossy))
    console.print(
        f"Rebuilt from {done['done']} records in {done['seconds']:.1f} s ({done['per_second']} a second);"
        f" {done['skipped']} were no events."
    )
    return 0


async def _followed(client: Client, *, lossy: bool) -> Any:
    """Shows how far it is; the last line."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("Rebuilding the view", total=None, detail="")
        async for line in client.lines("/view/rebuild", {"lossy": lossy}):
            match line["event"]:
                case "started":
                    bars.update(bar, total=line["records"])
                    if line["expired"]:
                        console.print(
                            f"[yellow]The log has dropped {line['expired']} records: what only they told is lost.[/]"
                        )
                case "progress":
                    detail = f"{line['done']} of {line['records']} records, {line['per_second']} a second"
                    bars.update(bar, completed=line["done"], total=line["records"], detail=detail)
                case "done":
                    return line
                case _:  # it is still at it
                    pass
    raise GatewayError("The gateway broke off its answer: the view is as it was, unless its log says otherwise.")

"""`keyframe dlq`"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.markup import escape
from rich.table import Table

from keyframe.client import Client, GatewayError, Status
from keyframe.remote import URL, Remote, Token, Url, gateway
from keyframe.running import Data, complaints, console, run, settings_of

PAGE = 100

app = typer.Typer(help="See, send again or give up what stages could not do.", no_args_is_help=True)

Stage = Annotated[str | None, typer.Option(help="Only of this stage.")]
Job = Annotated[str | None, typer.Option(help="Only of this job.")]
Code = Annotated[str | None, typer.Option(help="Only with this code: permanent, exhausted, unavailable, …")]
Json = Annotated[bool, typer.Option("--json", help="As the API has it.")]
Records = Annotated[list[str] | None, typer.Argument(metavar="RECORD…", help="topic/partition/offset, as `list` says.")]
All = Annotated[bool, typer.Option("--all", help="All that wait, or those of --stage, --job and --code.")]


@app.command("list")
def list_(
    stage: Stage = None,
    job: Job = None,
    code: Code = None,
    settled: Annotated[bool, typer.Option("--settled", help="Also those that were sent again or given up.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = PAGE,
    as_json: Json = False,
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """List parked records, the newest first."""
    query = {"stage": stage, "job": job, "code": code, "settled": str(settled).lower()}
    wanted = {name: value for name, value in query.items() if value is not None}
    run(_list(wanted, limit, url, token, data, as_json=as_json))


@app.command()
def show(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="topic/partition/offset.", show_default=False)],
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """Show a parked record: why it was parked, its headers and its value, as the API has them."""
    run(_show(record, url, token, data))


@app.command()
def redrive(
    records: Records = None,
    every: All = False,
    stage: Stage = None,
    job: Job = None,
    code: Code = None,
    as_json: Json = False,
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """Send parked records to their stages again. What was paid for is not paid for again.

    The exit status is 0 where none was refused, whether by its name or among all.
    """
    selection = _selection(records, stage, job, code, every=every)
    run(_settle("redrive", selection, url, token, data, as_json=as_json))


@app.command()
def discard(
    records: Records = None,
    every: All = False,
    stage: Stage = None,
    job: Job = None,
    code: Code = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """Give parked records up. They stay on the log, but cannot be sent again.

    The exit status is 0 where none was refused, whether by its name or among all.
    """
    selection = _selection(records, stage, job, code, every=every)
    if not yes:
        typer.confirm("They cannot be sent again. Give them up?", abort=True, err=True)
    run(_settle("discard", selection, url, token, data, as_json=as_json))


def _selection(
    records: list[str] | None, stage: str | None, job: str | None, code: str | None, *, every: bool
) -> dict[str, Any]:
    """The body of the request. Raises `typer.BadParameter` where it is not clear which records are meant."""
    limits = {name: value for name, value in (("stage", stage), ("job", job), ("code", code)) if value is not None}
    if bool(records) == every or (limits and not every):
        raise typer.BadParameter("name records, or say --all, with --stage, --job or --code if you like")
    return {"records": records} if records else {"all": True, **limits}


async def _list(
    wanted: dict[str, str], limit: int, url: str, token: str | None, data: Path | None, *, as_json: bool
) -> int:
    async with gateway(url, token, settings_of(data), console) as remote:
        found = await remote.unless_ended(_pages(remote.client, wanted, limit))
    if as_json:
        console.print_json(json.dumps(found))
    elif found:
        console.print(_table(found))
    else:
        console.print("Nothing is parked.")
    return 0


async def _pages(client: Client, wanted: dict[str, str], limit: int) -> list[Status]:
    found, cursor = list[Status](), dict[str, str]()
    while len(found) < limit:
        query = urlencode({**wanted, **cursor, "limit": min(PAGE, limit - len(found))})
        page = await client.call("GET", f"/dead-letters?{query}")
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    return found


def _table(found: list[Status]) -> Table:
    table = Table("record", "parked", "job", "code", "tries", "turn", "reason", box=None)
    for one in found:
        reason = one["reason"] if one["settled"] is None else f"[{one['settled']}] {one['reason']}"
        parked = one["parked_at"][:19].replace("T", " ")
        numbers = str(one["attempts"]), str(one["redrives"])
        row = one["record"], parked, one["jobId"] or "?", one["code"], *numbers, reason
        table.add_row(*(escape(_printable(text)) for text in row))
    for column in table.columns[:1]:
        column.overflow, column.no_wrap = "fold", False
    return table


def _printable(text: str) -> str:
    """Without what would move the cursor or speak to the terminal: a parked record may say anything."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


async def _show(record: str, url: str, token: str | None, data: Path | None) -> int:
    async with gateway(url, token, settings_of(data), console) as remote:
        answer = await remote.unless_ended(remote.client.call("GET", f"/dead-letters/{quote(record)}"))
    console.print_json(json.dumps(answer))
    return 0


async def _settle(
    what: str, selection: dict[str, Any], url: str, token: str | None, data: Path | None, *, as_json: bool
) -> int:
    async with gateway(url, token, settings_of(data), console) as remote:
        totals = await remote.unless_ended(_told(remote, f"/dead-letters/{what}", selection, as_json=as_json))
    return int(totals["refused"] > 0)


async def _told(remote: Remote, path: str, selection: dict[str, Any], *, as_json: bool) -> Counter[str]:
    async for line in remote.client.lines(path, selection):
        if as_json:
            console.print(json.dumps(line), soft_wrap=True, markup=False, highlight=False)
        elif line["event"] == "refused":
            complaints.print(f"{escape(line['record'])}: [red]{escape(line['reason'])}[/]", soft_wrap=True)
        elif line["event"] in ("redriven", "discarded"):
            turn = f", turn {line['turn']}" if "turn" in line else ""
            console.print(escape(f"{line['record']}: {line['event']}{turn}"), soft_wrap=True, highlight=False)
        if line["event"] == "done":
            totals = Counter[str](line["totals"])
            if not as_json:
                said = ", ".join(f"{number} {word}" for word, number in totals.items()) or "Nothing is parked"
                console.print(f"{said}.", highlight=False)
            return totals
    raise GatewayError("The gateway broke off its answer.")

"""`keyframe replay`"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Column, Table

from keyframe.client import Client, GatewayError, Status
from keyframe.film import Film, failure, prepare, watch_film
from keyframe.remote import URL, Remote, Token, Url, gateway
from keyframe.running import Data, command_line, complaints, console, run, settings_of

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AGE = re.compile(r"([0-9]{1,6})([smhdw])")
NUMBERS = ("scene_count", "target_seconds")

Stage = Annotated[
    str | None,
    typer.Option("--from", help="The first stage that works again: script, images, voice, assembler or storage."),
]
Jobs = Annotated[list[str] | None, typer.Option("--job", help="A job's id; may be said again.")]
Since = Annotated[
    str | None, typer.Option(help="Jobs that came to the stage since then: 2026-01-31T12:00, or 2h, 30m, 7d ago.")
]
Until = Annotated[str | None, typer.Option(help="And before then.")]
Of = Annotated[str | None, typer.Option("--status", help="`failed`: jobs that have failed.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="An option that is another from now on: voice, style, aspect_ratio, scene_count, target_seconds.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Make everything anew, also what is there already.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only say what would be made again, and what it would cost.")]
Resume = Annotated[str | None, typer.Option(help="The id of a replay that was cut off, to go on with.")]
Wait = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait for the videos. Without a running KeyFrame it always waits. [default: that of one job]",
    ),
]
Out = Annotated[Path, typer.Option(help="The folder that the MP4 of a single job is saved to.")]


def replay(
    stage: Stage = None,
    jobs: Jobs = None,
    since: Since = None,
    until: Until = None,
    status: Of = None,
    options: Options = None,
    fresh: Fresh = False,
    dry_run: Dry = False,
    resume: Resume = None,
    wait: Wait = None,
    out: Out = Path("out"),
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """Make videos again from a stage on. What is there already is not paid for again.

    Ends with 0 where every job that was asked for is replayed (and, where it waits, its video made), else with 1.
    """
    now = datetime.now().astimezone()
    asked: dict[str, Any] = {
        "from": stage,
        "jobs": jobs or None,
        "since": _moment(since, now) if since else None,
        "until": _moment(until, now) if until else None,
        "status": status,
        "set": _changes(options) if options else None,
        "fresh": fresh or None,
    }
    body = {name: value for name, value in asked.items() if value is not None}
    if resume is not None and body:
        raise typer.BadParameter("a replay goes on as it began: say nothing but --resume")
    if resume is None and (stage is None or sum(each is not None for each in (jobs, since, status)) != 1):
        raise typer.BadParameter("say --from STAGE, and one of --job, --since and --status; or --resume ID")
    if dry_run:
        body["dry_run"] = True
    if resume is not None or not dry_run:  # the id is ours, so that it is known however early the replay is cut off
        body["id"] = resume or str(uuid4())
    run(_replay(body, out, url, token, data, wait=wait))


def _moment(text: str, now: datetime) -> str:
    """ISO 8601 with its zone, of a time or an age. A time without a zone is local."""
    age = AGE.fullmatch(text.strip())
    try:
        if age is not None:
            return (now - timedelta(**{UNITS[age[2]]: int(age[1])})).astimezone(UTC).isoformat()
        return datetime.fromisoformat(text.strip()).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text} is no time: say 2026-01-31T12:00, or 2h, 30m, 7d") from None


def _changes(options: list[str]) -> Mapping[str, Any]:
    changes = dict[str, Any]()
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {option}: say --set NAME=VALUE")
        name = name.strip().replace("-", "_")
        changes[name] = int(value) if name in NUMBERS and value.strip().isdecimal() else value.strip()
    return changes


@dataclass
class Told:
    """What the gateway has said of a replay."""

    planned: bool = False
    revisions: dict[str, int] = field(default_factory=dict[str, int])
    """Of the jobs that are replayed."""
    done: Status = field(default_factory=Status)


async def _replay(body: Status, out: Path, url: str, token: str | None, data: Path | None, *, wait: bool | None) -> int:
    async with gateway(url, token, settings_of(data), console) as remote:
        waits = remote.stack is not None or (len(body.get("jobs", ())) == 1 if wait is None else wait)
        told = Told()
        try:
            await remote.unless_ended(_listen(remote.client, body, told))
        except (GatewayError, asyncio.CancelledError) as cut:
            begun = told.planned or isinstance(cut, asyncio.CancelledError)  # the plan may be on its way to us
            if begun and not body.get("dry_run"):
                again = command_line("replay", "--resume", body["id"], *_same(url, data))
                complaints.print(f"It was cut off. To go on: {escape(again)}", soft_wrap=True, highlight=False)
            raise
        if body.get("dry_run"):
            _show_plan(told.done)
            return 0
        _show_totals(told.done)
        left_out = int(not told.revisions or told.done["totals"]["skipped"] > 0)
        if not (waits and told.revisions):
            return left_out
        if wait is False:
            complaints.print("It waits all the same: KeyFrame runs here for this command alone.", soft_wrap=True)
        return await _watched(remote, told.revisions, out) or left_out


def _same(url: str, data: Path | None) -> list[str]:
    return [*(["--url", url] if url != URL else []), *(["--data", str(data)] if data else [])]


async def _listen(client: Client, body: Status, told: Told) -> None:
    """Tells of each job that is left out, and how far it is."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("Looking for the jobs", total=None)
        async for line in client.lines("/replays", body):
            match line["event"]:
                case "planned":
                    told.planned = True
                case "progress":
                    doing = "Reading the log" if line["doing"] == "reading" else "Replaying"
                    bars.update(bar, description=doing, completed=line["done"], total=line["of"])
                case "replayed":
                    told.revisions[line["job"]] = line["revision"]
                case "skipped":
                    bars.console.print(f"{escape(line['job'])}: [yellow]{escape(line['reason'])}[/]", soft_wrap=True)
                case "done":
                    told.done = line
                case _:  # it is still at it
                    pass
    if not told.done:
        raise GatewayError("The gateway broke off its answer.")


def _show_plan(done: Status) -> None:
    plan = done["plan"]
    table = Table(
        "stage", "makes", Column("at most", justify="right"), Column("US$", justify="right"), box=None, pad_edge=False
    )
    for stage, each in plan["stages"].items():
        table.add_row(stage, each["makes"], str(each["at_most"]), _dollars(each["usd"]))
    console.print(table)
    console.print(
        f"{_jobs(plan['jobs'])} from {plan['from']} on, at most {_dollars(plan['usd'])} US$."
        " What is there already is not made again, unless with --fresh.",
        highlight=False,
        soft_wrap=True,
    )


def _dollars(usd: float | None) -> str:
    return "not known" if usd is None else f"{usd:.4f}" if usd else "0"


def _show_totals(done: Status) -> None:
    totals = done["totals"]
    before = f", {totals['before']} before" if totals["before"] else ""
    left_out = f", {totals['skipped']} left out" if totals["skipped"] else ""
    console.print(f"{_jobs(totals['replayed'])} replayed{before}{left_out}.", highlight=False)


def _jobs(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"


async def _watched(remote: Remote, revisions: Mapping[str, int], out: Path) -> int:
    """Waits for the videos, and saves one that is alone."""
    if len(revisions) == 1:
        [(job_id, revision)] = revisions.items()
        prepare(out)
        film: Film = await remote.unless_ended(watch_film(remote.client, job_id, out, console, revision))
        film.show(console)
        return 0
    return await remote.unless_ended(_finished(remote.client, revisions))


async def _finished(client: Client, revisions: Mapping[str, int]) -> int:
    failed = 0
    for job_id, revision in revisions.items():
        status = Status()
        async for newest in client.follow(job_id, revision):
            status = newest
        if status["status"] == "completed":
            console.print(f"{job_id}: revision {status['revision']} is completed", highlight=False)
        else:
            failed = 1
            complaints.print(f"{job_id}: [red]{escape(failure(status))}[/]", soft_wrap=True)
    return failed


async def retelling(client: Client, film: Film, data: Path | None) -> str | None:
    """The command that tells a film again by another voice of its language; None where there is no other."""
    voices = (await client.call("GET", "/voices"))["voices"]
    others = [
        voice["name"]
        for voice in voices
        if voice["served"] and voice["language"] == film.language and voice["name"] != film.voice
    ]
    if not others:
        return None
    return command_line(
        "replay", "--from", "voice", "--job", film.job_id, "--set", f"voice={others[0]}", *_same(URL, data)
    )

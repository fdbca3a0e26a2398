"""`keyframe topics`"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from keyframe.client import Status
from keyframe.remote import URL, Token, Url, gateway
from keyframe.running import Data, console, run, settings_of

DAY_MS = 24 * 3600 * 1000


def topics(
    partitions: Annotated[bool, typer.Option("--partitions", help="A line for each partition.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As the API has it.")] = False,
    url: Url = URL,
    token: Token = None,
    data: Data = None,
) -> None:
    """See the log's topics: partitions, offsets, retention, and how far each group is behind."""
    run(_topics(url, token, data, partitions=partitions, as_json=as_json))


async def _topics(url: str, token: str | None, data: Path | None, *, partitions: bool, as_json: bool) -> int:
    async with gateway(url, token, settings_of(data), console) as remote:
        answer = await remote.unless_ended(remote.client.call("GET", "/topics"))
    if as_json:
        console.print_json(json.dumps(answer))
    else:
        console.print(_by_partition(answer) if partitions else _by_topic(answer))
    return 0


def _by_topic(answer: Status) -> Table:
    table = Table(
        Column("topic", no_wrap=True),
        _number("partitions"),
        _number("records"),
        "kept",
        "cleanup",
        "lag",
        box=None,
        pad_edge=False,
    )
    for topic in answer["topics"]:
        numbers = str(len(topic["partitions"])), str(topic["records"])
        table.add_row(
            topic["name"], *numbers, _kept(topic["retention_ms"]), topic["cleanup_policy"] or "?", _lag(topic["lag"])
        )
    return table


def _by_partition(answer: Status) -> Table:
    table = Table(
        Column("topic", no_wrap=True),
        _number("partition"),
        _number("first"),
        _number("next"),
        "lag",
        box=None,
        pad_edge=False,
    )
    for topic in answer["topics"]:
        for each in topic["partitions"]:
            numbers = (str(each[name]) for name in ("partition", "first", "next"))
            table.add_row(topic["name"], *numbers, _lag(each["lag"]))
    return table


def _number(name: str) -> Column:
    return Column(name, justify="right")


def _kept(retention_ms: int | None) -> str:
    if retention_ms is None:
        return "?"
    return "for ever" if retention_ms < 0 else f"{retention_ms / DAY_MS:g} days"


def _lag(lag: Mapping[str, int]) -> str:
    return ", ".join(f"{group.removeprefix('keyframe.')} {records}" for group, records in lag.items())

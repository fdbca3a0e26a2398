"""The runbook: every alert has its place in it, every command in it can be given, every link leads somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from keyframe.cli import app

DOCS = Path("docs")
RUNBOOK = (DOCS / "runbook.md").read_text(encoding="utf-8")
ALERTS = Path("deploy/observability/alerts.yml")


def anchors(text: str) -> set[str]:
    """Of every heading, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def rules() -> Iterator[dict[str, dict[str, str]]]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def test_every_alert_leads_to_what_to_do() -> None:
    places = {rule["annotations"]["runbook"] for rule in rules()}

    assert places == {f"docs/runbook.md#{str(rule['alert']).lower()}" for rule in rules()}
    assert {place.partition("#")[2] for place in places} <= anchors(RUNBOOK)


def test_nothing_is_told_of_alerts_that_are_not_there() -> None:
    told = {heading for heading in anchors(RUNBOOK) if heading.startswith("keyframe")}

    assert told == {str(rule["alert"]).lower() for rule in rules()}


def commands() -> list[str]:
    """What stands in code and begins with the program's name."""
    fenced = re.findall(r"^```\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", RUNBOOK)
    lines = [line.partition("#")[0].strip() for block in fenced for line in block.splitlines()]
    return sorted({each for each in (*lines, *inline) if re.match(r"keyframe [a-z]", each)})


@pytest.mark.parametrize("command", commands())
def test_every_command_can_be_given(command: str) -> None:
    group = typer.main.get_command(app)
    rest = shlex.split(command)[1:]
    while isinstance(group, typer.core.TyperGroup):
        context = group.make_context("keyframe", rest[:1], resilient_parsing=True)
        name, found, _ = group.resolve_command(context, rest[:1])
        assert found is not None, f"there is no {name}"
        group, rest = found, rest[1:]
    group.make_context(command, rest)  # raises where an option or a value is not known


def test_every_link_leads_somewhere() -> None:
    for document in ("runbook.md", "security.md", "benchmarks.md"):
        text = (DOCS / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            file, _, anchor = target.partition("#")
            path = DOCS / file if file else DOCS / document
            assert path.exists(), f"{document}: {target}"
            assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), f"{document}: {target}"

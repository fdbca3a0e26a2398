"""Dashboards and alerts ask only for metrics that there are, by labels that they have."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.metrics import DECLARED, REGISTRY
from schemas.topics import ServiceName

FOLDER = Path("deploy/observability")
DASHBOARDS = sorted((FOLDER / "grafana/dashboards").glob("*.json"))

METRICS = {series: one for one in DECLARED for series in one.series}
BY_PROMETHEUS = {"up", *(sample.name for family in REGISTRY.collect() for sample in family.samples)} - set(METRICS)
SCRAPED = {"job", "service", "instance"}
"""Labels that every series gets from Prometheus."""

NAME = r"[a-zA-Z_]\w*"
SELECTOR = re.compile(rf"\b({NAME})(?:\{{([^}}]*)\}})?")
MATCHER = re.compile(rf'\s*({NAME})\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*(?:,|$)')
GROUPED = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
SHOWN = re.compile(rf"\{{\{{\s*\$?(?:labels\.)?({NAME})\s*\}}\}}")
MADE = re.compile(rf'label_replace\(.*?,\s*"({NAME})",\s*"\$1"', re.DOTALL)


@dataclass(frozen=True)
class Query:
    """An expression of PromQL, and the text that its labels are shown in."""

    where: str
    expr: str
    text: str = ""

    @property
    def used(self) -> set[str]:
        """The series that it names."""
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', self.expr)
        names = {name for name, _ in SELECTOR.findall(bare)}
        return {name for name in names if name.startswith("keyframe_") or name in BY_PROMETHEUS}

    @property
    def known(self) -> set[str]:
        """The labels that its series have."""
        own = {label for name in self.used & set(METRICS) for label in METRICS[name].labels}
        return own | SCRAPED | {"le"} | set(MADE.findall(self.expr))


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[Query]:
    for alert in alerts():
        yield Query(alert["alert"], alert["expr"], alert["annotations"]["summary"])
    for path in DASHBOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield Query(f"{path.name}: {panel['title']}", target["expr"], target["legendFormat"])
        for variable in board["templating"]["list"]:
            metric, label = re.findall(rf"label_values\(({NAME}), ({NAME})\)", variable["query"]["query"])[0]
            yield Query(f"{path.name}: ${variable['name']}", metric, f"{{{{{label}}}}}")


@pytest.mark.parametrize("query", list(queries()), ids=lambda query: query.where)
def test_a_query_asks_for_what_there_is(query: Query) -> None:
    assert query.used, query.expr
    assert query.used <= METRICS.keys() | BY_PROMETHEUS
    for name, selector in SELECTOR.findall(query.expr):
        if name in METRICS and selector:
            assert MATCHER.sub("", selector) == ""
            assert set(MATCHER.findall(selector)) <= set(METRICS[name].labels) | SCRAPED, name
    for labels in GROUPED.findall(query.expr):
        assert {label.strip() for label in labels.split(",")} <= query.known
    assert set(SHOWN.findall(query.text)) - {"value"} <= query.known


def test_every_metric_is_shown_or_warns() -> None:
    used = set[str]().union(*(query.used for query in queries()))

    assert [one.name for one in DECLARED if not used & set(one.series)] == []


def test_a_rate_is_taken_of_counters_and_of_nothing_else() -> None:
    for query in queries():
        for name in re.findall(rf"(?:rate|increase)\(\s*({NAME})", query.expr):
            assert name.endswith(("_total", "_count", "_sum", "_bucket")), query
        for name in query.used:
            if name.endswith("_bucket"):
                assert f"rate({name}" in query.expr, query


def test_every_alert_says_what_it_means_and_where_to_read_on() -> None:
    names = [alert["alert"] for alert in alerts()]

    assert len(names) == len(set(names))
    for alert in alerts():
        assert re.fullmatch(r"Keyframe[A-Za-z]+", alert["alert"])
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"


def test_prometheus_finds_every_replica_of_every_service() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    [scrape] = config["scrape_configs"]
    [found] = scrape["dns_sd_configs"]

    assert set(found["names"]) == {str(service) for service in ServiceName}
    assert (found["type"], found["port"]) == ("A", 8080)
    assert config["rule_files"] == ["/etc/prometheus/alerts.yml"]


def test_panels_and_what_is_provisioned_speak_of_the_same_sources() -> None:
    provisioned = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/keyframe.yml").read_text(encoding="utf-8"))
    sources = {source["uid"] for source in provisioned["datasources"]}

    boards = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS]
    assert len({board["uid"] for board in boards}) == len(boards) > 0
    asked = {panel["datasource"]["uid"] for board in boards for panel in board["panels"] if panel["type"] != "row"}
    assert asked <= sources

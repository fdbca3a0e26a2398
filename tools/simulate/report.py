"""docs/scale.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from tools.simulate.check import Compared
from tools.simulate.measured import Measured
from tools.simulate.plan import VOLUMES, Bound, Latency, Plan

PAGE = Path(__file__).with_name("page.md")

Planned = Mapping[str, Sequence[tuple[Plan, Latency]]]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown. Raises ValueError where a row has not as many cells as the head."""
    if any(len(row) != len(head) for row in rows):
        raise ValueError(f"rows of another width than {head}")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """As people write it."""
    if value >= 1e9:
        return f"{value / 1e9:.1f} billion"
    if value >= 1e6:
        return f"{value / 1e6:.1f} million"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def page(inputs: Measured, planned: Planned, bounds: Mapping[str, Sequence[Bound]], checks: str) -> str:
    """The whole page."""
    parts = "\n\n".join(_of(name, planned[name], bounds[name], inputs) for name in planned)
    text = Template(PAGE.read_text(encoding="utf-8"))
    chosen = {"peak_to_mean": f"{inputs.capacity.peak_to_mean:g}", "busy": f"{inputs.capacity.busy:.0%}"}
    return text.substitute(chosen, parts=parts, checks=checks)


def _of(name: str, planned: Sequence[tuple[Plan, Latency]], bounds: Sequence[Bound], inputs: Measured) -> str:
    stages = planned[0][0].stages
    slowest = max(stages, key=lambda stage: inputs.stages[stage].seconds(planned[0][0].providers))
    needs = table(
        [
            "videos a day",
            *stages,
            "partitions",
            "gateways",
            "p50 s",
            "p99 s",
            f"mean wait for {slowest}, s",
            "by formula, s",
        ],
        [
            [
                f"{plan.videos:,}",
                *(number(plan.replicas[stage]) for stage in stages),
                number(plan.partitions),
                number(plan.gateways),
                number(times.p50),
                number(times.p99),
                number(times.mean_waits[slowest]),
                number(times.by_formula[slowest]),
            ]
            for plan, times in planned
        ],
    )
    shared = table(
        [
            "videos a day",
            "events a second",
            "writes a second",
            "rows a year",
            *(f"GB a day into {place}" for place in planned[0][0].gb_a_day),
            *_calls(name, inputs),
        ],
        [
            [
                f"{plan.videos:,}",
                number(plan.events_per_second),
                number(plan.puts_per_second),
                number(plan.rows_a_year),
                *(number(each) for each in plan.gb_a_day.values()),
                *(number(plan.calls_per_minute[provider]) for provider in _providers(name, inputs)),
            ]
            for plan, _ in planned
        ],
    )
    costs = planned[0][0].usd_a_day
    cost = table(
        ["videos a day", *(f"{kind}, $" for kind in costs), "all, $ a day", "$ a video"],
        [
            [
                f"{plan.videos:,}",
                *(number(each) for each in plan.usd_a_day.values()),
                number(sum(plan.usd_a_day.values())),
                f"{sum(plan.usd_a_day.values()) / plan.videos:.4f}",
            ]
            for plan, _ in planned
        ],
    )
    return f"""## With {name} providers
Replicas in the busiest hour, and how long videos take then:

{needs}

What all stages share, in the busiest hour:

{shared}

Not counted: the machines of Kafka, Postgres and the gateways.

{cost}

What runs out first, with the defaults:

{table(["videos a day", "what", "what to change"], [[number(each.videos), each.name, each.change] for each in bounds])}

{_steps(bounds)}"""


def _providers(name: str, inputs: Measured) -> Sequence[str]:
    return list(inputs.providers) if name == "paid" else []


def _calls(name: str, inputs: Measured) -> Sequence[str]:
    return [
        f"calls to {provider} a minute (of {inputs.providers[provider].per_minute})"
        for provider in _providers(name, inputs)
    ]


def _steps(bounds: Sequence[Bound]) -> str:
    lines: list[str] = []
    for low, high in zip((0, *VOLUMES), VOLUMES, strict=False):
        new = [bound.name for bound in bounds if low < bound.videos <= high]
        lines.append(f"- up to {high:,} a day: {', then '.join(new) if new else 'nothing new'}")
    return "By steps, in the order in which they give out:\n\n" + "\n".join(lines)


def compared(figures: Sequence[Compared]) -> str:
    """Both runs beside each other."""
    return table(
        ["", "measured, s", "simulated, s", "off by"],
        [[each.name, f"{each.measured:.1f}", f"{each.simulated:.1f}", f"{each.off:+.0%}"] for each in figures],
    )

"""What paid calls cost: a charge a call, summed by stage in the events that the stage emits."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from schemas.base import Contract
from schemas.media import Seconds

Dollars = Annotated[float, Field(ge=0)]
"""US dollars."""

Units = Mapping[str, float]
"""How much of what was used: `{"input_tokens": 812, "output_tokens": 410}`, `{"images": 1}`, `{"characters": 230}`."""


class Charge(Contract):
    """One paid call. It lies beside the artefact that the call made, so that re-use does not lose it."""

    provider: str
    model: str
    units: Units
    usd: Dollars | None
    """None where schemas/prices.toml has no price for the model."""
    seconds: Seconds
    """How long the call took."""


class StageCost(Contract):
    """What a stage's calls to one model cost in all."""

    stage: str
    provider: str
    model: str
    calls: Annotated[int, Field(ge=1)]
    units: Units
    usd: Dollars | None
    """None where a call had no known price."""
    seconds: Seconds


def summed(stage: str, charges: Iterable[Charge]) -> tuple[StageCost, ...]:
    """The charges of one stage, a sum for each model, in the order of their names."""
    by_model: dict[tuple[str, str], list[Charge]] = {}
    for charge in charges:
        by_model.setdefault((charge.provider, charge.model), []).append(charge)
    return tuple(_sum(stage, by_model[model]) for model in sorted(by_model))


def _sum(stage: str, charges: list[Charge]) -> StageCost:
    units: dict[str, float] = {}
    for charge in charges:
        for unit, amount in charge.units.items():
            units[unit] = units.get(unit, 0) + amount
    prices = [charge.usd for charge in charges]
    return StageCost(
        stage=stage,
        provider=charges[0].provider,
        model=charges[0].model,
        calls=len(charges),
        units=units,
        usd=None if None in prices else sum(price for price in prices if price is not None),
        seconds=sum(charge.seconds for charge in charges),
    )


def total(costs: Iterable[StageCost]) -> float:
    """The known part of what these cost, in US dollars."""
    return sum(cost.usd or 0.0 for cost in costs)

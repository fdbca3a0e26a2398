"""What a paid call costs, by the dated table in prices.toml."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

MILLION = 1_000_000


class Price(BaseModel):
    """What a provider asks for a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    model: str
    dated: date
    usd_per_million: Mapping[str, float]
    """US dollars for a million of each unit."""


@cache
def prices() -> Mapping[tuple[str, str], Price]:
    """The table, by provider and model."""
    rows = tomllib.loads(files("schemas").joinpath("prices.toml").read_text(encoding="utf-8"))["price"]
    return {(price.provider, price.model): price for price in map(Price.model_validate, rows)}


def usd(provider: str, model: str, units: Mapping[str, float]) -> float | None:
    """What so many units cost in US dollars; None where the model, or one of the units, has no known price."""
    price = prices().get((provider, model))
    if price is None or not units.keys() <= price.usd_per_million.keys():
        return None
    return sum(amount * price.usd_per_million[unit] for unit, amount in units.items()) / MILLION

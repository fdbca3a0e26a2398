"""What the simulation is fed with: measured.toml."""

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.topics import ServiceName

FILE = Path(__file__).with_name("measured.toml")

Providers = Literal["offline", "paid"]


class _Sourced(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: str


class StageCost(_Sourced):
    """Seconds of one record."""

    offline: float
    paid: float
    spread: float
    """Standard deviation by mean."""
    cores: float

    def seconds(self, providers: Providers) -> float:
        """The mean."""
        return self.offline if providers == "offline" else self.paid


class JobCost(_Sourced):
    """What one video takes of what all stages share."""

    events: int
    kafka_bytes: int
    rows: int
    row_bytes: int
    object_bytes_kept: int
    object_bytes_swept: int
    swept_after_days: int
    puts: int
    gets: int
    usd: Mapping[str, float | str]


class Provider(_Sourced):
    """Calls of one video, and calls a minute of an account."""

    stage: ServiceName
    calls: int
    per_minute: int


class Capacity(_Sourced):
    """What one of each can do."""

    partitions: int
    kafka_copies: int
    """Of each record: the topics' replication."""
    events_per_second: float
    rows_comfortable: int
    puts_per_second: float
    busy: float
    """The share of its time that a replica should work at the peak."""
    peak_to_mean: float


class Price(_Sourced):
    """US dollars."""

    core_hour: float
    usd_per_million_puts: float
    usd_per_million_gets: float
    usd_per_gb_month: float
    """In the bucket."""
    usd_per_disk_gb_month: float
    """Of Kafka and Postgres."""


class Measured(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target_wait_seconds: float
    stages: Mapping[ServiceName, StageCost] = Field(alias="stage")
    job: JobCost
    providers: Mapping[str, Provider] = Field(alias="provider")
    capacity: Capacity
    price: Price

    def lag_threshold(self, stage: ServiceName, calls_a_minute: float = math.inf) -> int:
        """Records before one replica that it can do within the target wait, by the slower providers.

        Args:
            calls_a_minute: to its provider, that one replica may begin.
        """
        cost = self.stages[stage]
        paced = sum(each.calls for each in self.providers.values() if each.stage == stage) * 60 / calls_a_minute
        return max(1, int(self.target_wait_seconds / max(cost.offline, cost.paid, paced)))

    def usd_per_job(self) -> float:
        """What the paid providers ask for one video."""
        return sum(value for value in self.job.usd.values() if isinstance(value, float))


@cache
def measured() -> Measured:
    """What the file says."""
    return Measured.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))

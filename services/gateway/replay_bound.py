"""The most that a replay makes again, and what that costs: told before it is begun."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.events import ChainEvent, ScriptWritten, VideoRequested
from schemas.topics import STAGES, ServiceName
from services.gateway.estimate import Model, Work, prices
from services.gateway.replay_order import Changes

MADE: Mapping[ServiceName, str] = {
    ServiceName.SCRIPT: "scripts",
    ServiceName.IMAGES: "pictures",
    ServiceName.VOICE: "recordings",
    ServiceName.ASSEMBLER: "renders",
    ServiceName.STORAGE: "publications",
}
"""What each stage makes."""


@dataclass
class Bound:
    """Sums over jobs, for the stages from one on."""

    stage: ServiceName
    models: Mapping[ServiceName, Model]
    jobs: int = 0
    _made: Counter[ServiceName] = field(default_factory=Counter[ServiceName])
    _usd: dict[ServiceName, float | None] = field(default_factory=dict[ServiceName, float | None])

    @property
    def stages(self) -> tuple[ServiceName, ...]:
        """Those that work again."""
        return STAGES[STAGES.index(self.stage) :]

    def add(self, event: ChainEvent, changes: Changes) -> None:
        """One more job, from this input."""
        work = _work(event.model_copy(update=dict(changes.given)))
        costs = prices(work, self.models)
        for stage in self.stages:
            self._made[stage] += work.scenes if stage in (ServiceName.IMAGES, ServiceName.VOICE) else 1
            self._usd[stage] = _sum(self._usd.get(stage, 0.0), costs.get(stage, 0.0))
        self.jobs += 1

    @property
    def by_stage(self) -> Mapping[ServiceName, tuple[int, float | None]]:
        """How many things each stage makes at the most, and their cost in US dollars; None where a price is unknown."""
        return {stage: (self._made[stage], self._usd.get(stage, 0.0)) for stage in self.stages}

    @property
    def usd(self) -> float | None:
        """The sum; None where a part of it is not known."""
        total: float | None = 0.0
        for _, part in self.by_stage.values():
            total = _sum(total, part)
        return total


def _work(event: ChainEvent) -> Work:
    if isinstance(event, ScriptWritten):
        return Work(len(event.prompt), len(event.scenes), sum(len(scene.narration) for scene in event.scenes))
    source = event.source_text if isinstance(event, VideoRequested) else None
    return Work.asked(event.prompt, source, event.scene_count, event.target_seconds)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other

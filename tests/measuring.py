"""What metrics say, beside what they said before: they count for the whole process, which runs other tests too."""

from dataclasses import dataclass, field

from runtime.metrics import REGISTRY

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples() -> dict[Sample, float]:
    """Every sample of now, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }


@dataclass
class Measured:
    """By how much metrics rose since this was made."""

    before: dict[Sample, float] = field(default_factory=samples)

    def __call__(self, name: str, **labels: str) -> float:
        key = name, frozenset(labels.items())
        return samples().get(key, 0.0) - self.before.get(key, 0.0)

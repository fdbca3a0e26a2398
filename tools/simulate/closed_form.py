"""What queueing theory says without a simulation."""

from collections.abc import Sequence


def shares(partitions: int, replicas: int) -> list[float]:
    """Which part of all records each replica gets: whole partitions, so that some may have one more than others."""
    owned = [len(range(replica, partitions, replicas)) for replica in range(replicas)]
    return [each / partitions for each in owned]


def wait(per_second: float, seconds: float, spread: float, parts: Sequence[float] = (1.0,)) -> float:
    """Mean seconds before a record's turn: Pollaczek and Khinchine's M/G/1, since each replica is a queue of its own.

    Args:
        parts: which part of all records each replica gets.

    Raises:
        ValueError: more comes to one than it can do.
    """
    return sum(part * _alone(per_second * part, seconds, spread) for part in parts)


def _alone(per_second: float, seconds: float, spread: float) -> float:
    load = per_second * seconds
    if load >= 1:
        raise ValueError("more comes than can be done")
    return per_second * seconds**2 * (1 + spread**2) / (2 * (1 - load))


def mean_in_system(times: Sequence[tuple[float, float]]) -> float:
    """How many are there at a time on average, counted over time: each a pair of coming and going, in seconds."""
    events = sorted([(came, 1) for came, _ in times] + [(went, -1) for _, went in times])
    area, inside, last = 0.0, 0, events[0][0]
    for at, change in events:
        area += inside * (at - last)
        inside, last = inside + change, at
    return area / (last - events[0][0])

"""What queueing theory says without a simulation."""

from collections.abc import Sequence


def wait(per_second: float, seconds: float, spread: float, replicas: int) -> float:
    """Mean seconds before a record's turn: Pollaczek and Khinchine's M/G/1, since each replica is a queue of its own.

    Raises:
        ValueError: more comes than can be done.
    """
    own = per_second / replicas
    load = own * seconds
    if load >= 1:
        raise ValueError("more comes than can be done")
    return own * seconds**2 * (1 + spread**2) / (2 * (1 - load))


def mean_in_system(times: Sequence[tuple[float, float]]) -> float:
    """How many are there at a time on average, counted over time: each a pair of coming and going, in seconds."""
    events = sorted([(came, 1) for came, _ in times] + [(went, -1) for _, went in times])
    area, inside, last = 0.0, 0, events[0][0]
    for at, change in events:
        area += inside * (at - last)
        inside, last = inside + change, at
    return area / (last - events[0][0])

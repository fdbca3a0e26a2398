"""The two plots of docs/scale.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from tools.simulate.plan import Bound, Latency, Plan

mpl.use("agg")
mpl.rcParams.update({"font.size": 9, "axes.grid": True, "savefig.dpi": 110})

from matplotlib import pyplot as plt  # noqa: E402 - the backend is chosen before


def growth(path: Path, plans: Mapping[str, Sequence[tuple[Plan, Latency]]]) -> None:
    """Replicas, time to a video, and cost, over videos a day."""
    figure, (pods, seconds, cost) = plt.subplots(1, 3, figsize=(10.5, 3.2), layout="constrained")
    for (name, planned), line in zip(plans.items(), ("-", "--"), strict=True):
        volumes = [plan.videos for plan, _ in planned]
        pods.loglog(volumes, [sum(plan.replicas.values()) for plan, _ in planned], line, marker="o", label=name)
        pods.loglog(volumes, [plan.partitions for plan, _ in planned], line, marker="x", label=f"partitions, {name}")
        seconds.semilogx(volumes, [each.p50 for _, each in planned], line, marker="o", label=f"p50, {name}")
        seconds.semilogx(volumes, [each.p99 for _, each in planned], line, marker="x", label=f"p99, {name}")
        cost.loglog(volumes, [sum(plan.usd_a_day.values()) for plan, _ in planned], line, marker="o", label=name)
    pods.set(title="Replicas of the five stages", xlabel="videos a day")
    seconds.set(title="Seconds to a video", xlabel="videos a day", ylim=(0, None))
    cost.set(title="US dollars a day", xlabel="videos a day")
    for axes in (pods, seconds, cost):
        axes.legend(fontsize=7)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def ladder(path: Path, found: Mapping[str, Sequence[Bound]]) -> None:
    """What runs out at how many videos a day."""
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.4), layout="constrained", sharex=True)
    for (name, bounds), side in zip(found.items(), axes, strict=True):
        side.barh([bound.name for bound in bounds], [bound.videos for bound in bounds], height=0.6)
        side.set(title=f"Runs out at, {name} providers", xlabel="videos a day", xscale="log")
        side.invert_yaxis()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)

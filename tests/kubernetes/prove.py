"""The proof on a real cluster: scaling, a rollout and kills while thirty videos are made.

    python -m tests.kubernetes.prove [--load COMMAND] [--keep]

It uses the current kubectl context, which needs KEDA, and the images of the Docker engine. COMMAND hands images to the
cluster (`kind load docker-image`, `minikube image load`, ../shared/standins/kube-load); without it they are there
already, or are built where the cluster runs. What came of it is printed, and written into docs/kubernetes.md.
"""

import argparse
import contextlib
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from schemas.topics import DEAD_LETTERS, STAGES, VIDEO_PUBLISHED
from tests.kubernetes.cluster import (
    KILL,
    Refused,
    cleared,
    forwarded,
    kubectl,
    missing_images,
    peak_memory,
    pods,
    reached,
    replicas,
    run,
    until,
)

OVERLAY = "tests/kubernetes/overlay"
PRODUCTION = "deploy/kubernetes/overlays/production"
PAGE = Path("docs/kubernetes.md")
BEGIN, END = "<!-- what the proof wrote: begin -->\n", "<!-- what the proof wrote: end -->\n"
TARGETS = ("tools", "gateway", *STAGES)
TOKEN = "token-of-the-proof"
JOBS, SCENES, PARALLEL, KILLS = 30, 4, 2, 3
PARTS = {"kafka:9092", "s3:7070"}
OWN = {"images": {"painter:8000"}, "gateway": {"postgres:5432"}}
NOBODYS = {"gateway:3000", "kubernetes.default.svc:443"}
SOURCE = (
    "Coral reefs are built by tiny animals. They shelter a quarter of all fish in the sea. Warm water makes corals lose"
    " the algae that feed them. A bleached reef can recover when the water cools. Divers count the fish every year."
    " Video number {number} tells it once more."
)


@dataclass
class Proof:
    """What was seen."""

    rows: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    most: dict[str, int] = field(default_factory=dict[str, int])
    memory: dict[str, float] = field(default_factory=dict[str, float])
    began: float = field(default_factory=time.monotonic)

    def note(self, what: str, came: str) -> None:
        """A row of the table."""
        self.rows.append((what, came))
        print(f"[{time.monotonic() - self.began:5.0f} s] {what}: {came}", flush=True)

    def watch(self, stopping: Event) -> None:
        """Looks at replicas, and now and then at memory, until it is told to stop."""
        for look in count():
            if stopping.wait(5):
                return
            with contextlib.suppress(Refused, json.JSONDecodeError):
                for stage, (_, ready) in replicas(STAGES).items():
                    self.most[stage] = max(self.most.get(stage, 0), ready)
                for service in (*STAGES, "gateway") if look % 6 == 0 else ():
                    for pod in pods(service).values():
                        self.memory[service] = max(self.memory.get(service, 0.0), peak_memory(pod))


@dataclass
class Gateway:
    """The API, by a forwarded port that is opened anew when it breaks."""

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON."""
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        for tries in range(5):
            try:
                answer = httpx.request(method, self._address() + path, headers=headers, timeout=60, **options)
                answer.raise_for_status()
                return answer.json()
            except httpx.TransportError:
                self.close()
                if tries == 4:
                    raise
                time.sleep(2)
        raise AssertionError

    def __post_init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._at: str | None = None

    def _address(self) -> str:
        if self._at is None:
            self._at = self._open.enter_context(forwarded("gateway", 3000))
        return self._at

    def close(self) -> None:
        """Until the next call."""
        self._open.close()
        self._at = None

    def submit(self, number: int) -> str:
        """A job."""
        body = {
            "prompt": f"Coral reefs, number {number}",
            "style": "Educational",
            "scene_count": SCENES,
            "target_seconds": 15,
            "source_text": SOURCE.format(number=number),
        }
        said = self.call("POST", "/api/v1/generate", json=body, headers={"Idempotency-Key": f"proof-{number}"})
        return said["jobId"]

    def statuses(self, jobs: list[str]) -> list[str]:
        """Of each job."""
        return [self.call("GET", f"/api/v1/status/{job}")["status"] for job in jobs]


def sold() -> dict[str, Any]:
    """What the painter says that it sold."""
    look = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/sold').read().decode())"
    return json.loads(kubectl("exec", "deploy/painter", "--", "python", "-c", look))


def brought(load: str | None) -> None:
    """Builds the images, and one that differs from the painter's stage by a label, and hands them to the cluster."""
    for target in TARGETS:
        run("docker", "build", "-q", "--target", target, "-t", f"keyframe/{target}:dev", ".", seconds=3600)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "Dockerfile").write_text("FROM keyframe/images:dev\nLABEL keyframe.release=next\n")
        run("docker", "build", "-q", "-t", "keyframe/images:next", str(folder), seconds=600)
    if load:
        parts = ["apache/kafka:4.1.1", "postgres:17-trixie", "versity/versitygw:v1.8.0", "keyframe/images:next"]
        run(*shlex.split(load), *parts, *(f"keyframe/{target}:dev" for target in TARGETS), seconds=1800)


def applied(proof: Proof) -> None:
    """The stack, from nothing to a gateway that is ready."""
    began = time.monotonic()
    run("kubectl", "apply", "-k", OVERLAY)
    for name in ("kafka", "postgres", "s3", "painter", "gateway"):
        kubectl("rollout", "status", f"deployment/{name}", "--timeout=600s", seconds=620)
    until("both gateways", lambda: replicas(["gateway"])["gateway"][1] >= 2, seconds=600)
    proof.note("`kubectl apply -k`, until both gateways are ready", f"{time.monotonic() - began:.0f} s")


@contextlib.contextmanager
def watched(proof: Proof, load: str | None) -> Generator[None]:
    """Looks on while the context is open, and sees to it that images stay in the cluster."""
    stopping = Event()
    watchers = [Thread(target=proof.watch, args=(stopping,), daemon=True)]
    if load:
        watchers.append(Thread(target=brought_again, args=(load, stopping), daemon=True))
    for watcher in watchers:
        watcher.start()
    try:
        yield
    finally:
        stopping.set()
        for watcher in watchers:
            watcher.join()


def brought_again(load: str, stopping: Event) -> None:
    """Hands images over once more that a node with a full disk has thrown away while no pod ran on them."""
    while not stopping.wait(5):
        with contextlib.suppress(Refused):
            if missing := missing_images():
                run(*shlex.split(load), *missing, seconds=600)


def idle(stage: str) -> bool:
    """Whether a stage has no replica."""
    return replicas([stage])[stage][0] == 0


def one_video(proof: Proof, gateway: Gateway) -> str:
    """A video through a stack that is at rest."""
    took = until("the stages at rest", lambda: all(idle(stage) for stage in STAGES[:-1]), seconds=600)
    proof.note("script, images, voice and assembler at rest", f"0 replicas after {took:.0f} s")
    job = gateway.submit(0)
    took = until("a video", lambda: gateway.statuses([job]) == ["completed"], seconds=1200)
    proof.note("a video from no replica at all", f"{took:.0f} s")
    return job


def walled(proof: Proof) -> None:
    """What each service can open a connection to: what it needs alone, or anything where no policy is enforced."""
    paused = "autoscaling.keda.sh/paused-replicas"
    kubectl("annotate", "scaledobjects", "--all", f"{paused}=1")
    until("one of each stage", lambda: all(ready for _, ready in replicas(STAGES).values()), seconds=600)
    there = {service: next(iter(pods(service).items())) for service in (*STAGES, "gateway")}
    everything = PARTS.union(*OWN.values(), NOBODYS, (f"{address}:8080" for address, _ in there.values()))
    forbidden, strays = 0, list[str]()
    for service, (address, pod) in there.items():
        needs = PARTS | OWN.get(service, set())
        asked = {each for each in everything if each.partition(":")[0] not in (service, address)}
        found = reached(pod, asked)
        assert needs <= found, f"{service} does not reach {needs - found}"
        forbidden += len(asked - needs)
        strays += [f"{service} to {each}" for each in found - needs]
    kubectl("annotate", "scaledobjects", "--all", f"{paused}-")
    if len(strays) == forbidden:
        proof.note("network policies", "not enforced here")
        return
    proof.note(f"of {forbidden} connections between pods that no policy allows", f"{len(strays)} could be opened")
    assert not strays, strays


def rolled(proof: Proof) -> None:
    """A new image while pictures are painted: none is painted twice."""
    began, before = time.monotonic(), sold()
    assert before["under_way"], "nothing is painted: a rollout would prove nothing"
    kubectl("set", "image", "deployment/images", "main=keyframe/images:next")
    kubectl("rollout", "status", "deployment/images", "--timeout=900s", seconds=920)
    lost = sold()["lost"] - before["lost"]
    proof.note("a new image under load", f"rolled out in {time.monotonic() - began:.0f} s, {lost} paid calls cut off")
    assert lost == 0


def killed(proof: Proof) -> None:
    """kill -9 in a pod that has a picture under way; at the last, the whole pod without a farewell."""
    for number in range(KILLS):
        found: list[str] = []

        def painting(found: list[str] = found) -> bool:
            by_address = pods("images")
            found[:] = [by_address[ip] for ip in sold()["under_way"] if ip in by_address]
            return bool(found)

        until("a pod that paints", painting, seconds=600, pause=1)
        if number < KILLS - 1:
            kubectl("exec", found[0], "-c", "main", "--", "python", "-c", KILL)
        else:
            kubectl("delete", "pod", found[0], "--grace-period=0", "--force")
        time.sleep(10)  # its successor shall have begun
    proof.note("pods killed in mid-record", f"{KILLS}: {KILLS - 1} by kill -9 inside, one removed with no grace")


def published_once(jobs: list[str]) -> tuple[int, int]:
    """Records of the last topic, and how many different events they are."""
    consume = (
        "/opt/kafka/bin/kafka-console-consumer.sh --bootstrap-server localhost:9092 --from-beginning"
        f" --topic {VIDEO_PUBLISHED.name} --timeout-ms 15000"
        " --property print.key=true --property print.headers=true"
        " --property print.value=false"
    )
    lines = [
        line for line in kubectl("exec", "deploy/kafka", "--", "sh", "-c", f"{consume} || true").splitlines() if line
    ]
    ids = {
        header.partition(":")[2] for line in lines for header in line.split(",") if header.strip().startswith("ce_id")
    }
    keys = {job for job in jobs for line in lines if job in line}
    assert keys == set(jobs), f"not published: {set(jobs) - keys}"
    return len(lines), len(ids)


def parked() -> int:
    """Records on the dead-letter queues."""
    look = "/opt/kafka/bin/kafka-get-offsets.sh --bootstrap-server localhost:9092 --topic 'keyframe.*dlq.*'"
    lines = kubectl("exec", "deploy/kafka", "--", "sh", "-c", look).split()
    assert len({line.split(":")[0] for line in lines}) == len(DEAD_LETTERS)
    return sum(int(line.rpartition(":")[2]) for line in lines)


def thirty_videos(proof: Proof, gateway: Gateway, first: str) -> None:
    """Lag, scaling, a rollout, kills, and what they cost."""
    until("the painter's stage at rest", lambda: idle("images"), seconds=600)
    began = time.monotonic()
    jobs = [gateway.submit(number) for number in range(1, JOBS + 1)]
    proof.note("jobs submitted", f"{JOBS} in {time.monotonic() - began:.0f} s")
    took = until("several painters", lambda: replicas(["images"])["images"][1] >= 2, seconds=900)
    proof.note("images from 0 to 2 ready replicas or more", f"after {took:.0f} s")
    rolled(proof)
    killed(proof)
    until("all videos", lambda: set(gateway.statuses(jobs)) == {"completed"}, seconds=5400, pause=10)
    proof.note("all videos completed", f"{time.monotonic() - began:.0f} s after the first was asked for")
    records, ids = published_once([first, *jobs])
    proof.note("published", f"{ids} events for {JOBS + 1} videos, in {records} records")
    assert ids == JOBS + 1
    extra = sold()["begun"] - (JOBS + 1) * SCENES
    proof.note("pictures paid for beyond one a scene", f"{extra}; the bound is {KILLS * PARALLEL}, those under way")
    assert 0 <= extra <= KILLS * PARALLEL
    assert parked() == 0
    proof.note("parked records", "0")
    took = until("no painter", lambda: idle("images"), seconds=900)
    proof.note("images back at 0 replicas", f"{took:.0f} s after the last video")


def dry_run(proof: Proof) -> None:
    """`production`, checked by the API server."""
    kubectl("delete", "job", "init", "--ignore-not-found")
    lines = run("kubectl", "apply", "--dry-run=server", "-k", PRODUCTION).splitlines()
    proof.note("`production` by server-side dry run", f"{len(lines)} objects accepted")


def written(proof: Proof) -> None:
    """The table, into the page."""
    version = json.loads(run("kubectl", "version", "-o", "json"))["serverVersion"]["gitVersion"]
    rows = "".join(f"| {what} | {came} |\n" for what, came in proof.rows)
    most = ", ".join(f"{stage} {count}" for stage, count in proof.most.items())
    memory = ", ".join(f"{service} {size:.0f}" for service, size in proof.memory.items())
    table = f"""Kubernetes {version}, {time.strftime("%Y-%m-%d", time.gmtime())}, {JOBS} videos of {SCENES} scenes:

| what | came |
| --- | --- |
{rows}| most ready replicas | {most} |
| most memory of a pod, in MiB | {memory} |
"""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", help="the command that hands images to the cluster")
    parser.add_argument("--keep", action="store_true", help="leave the stack where it is")
    parser.add_argument("--no-build", action="store_true", help="the images are there")
    chosen = parser.parse_args()
    if "scaledobjects.keda.sh" not in run("kubectl", "get", "crd", "-o", "name"):
        sys.exit("The cluster has no KEDA: https://keda.sh/docs/latest/deploy/")
    cleared()
    if not chosen.no_build:
        brought(chosen.load)
    proof, gateway = Proof(), Gateway()
    applied(proof)
    try:
        with watched(proof, chosen.load):
            first = one_video(proof, gateway)
            walled(proof)
            thirty_videos(proof, gateway, first)
        dry_run(proof)
        written(proof)
    finally:
        gateway.close()
        if not chosen.keep:
            cleared()


if __name__ == "__main__":
    main()

"""The cluster of the current kubectl context, as the proof speaks to it."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

NAMESPACE = "keyframe"
LABEL = "keyframe-proof"

KILL = """
import os, signal
for name in {*filter(str.isdigit, os.listdir("/proc"))} - {str(os.getpid())}:
    with open(f"/proc/{name}/cmdline") as file:
        if "services.images" in file.read():
            os.kill(int(name), signal.SIGKILL)
"""
"""Run inside a pod: `kill` is not in the images."""

REACH = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def opens(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except socket.gaierror:
        raise
    except OSError:
        return False
    return True
with ThreadPoolExecutor(32) as threads:
    print(*(address for address, is_open in zip(sys.argv[1:], threads.map(opens, sys.argv[1:])) if is_open))
"""
"""Run inside a pod: of the addresses, those that a connection can be opened to. A name that is not resolved ends it."""


class Refused(Exception):
    """What kubectl said."""


def run(*argv: str, seconds: float = 300) -> str:
    """Standard output. Raises `Refused`."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(argv[:6])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def kubectl(*argv: str, seconds: float = 300) -> str:
    """In our namespace. Raises `Refused`."""
    return run("kubectl", "--namespace", NAMESPACE, *argv, seconds=seconds)


def got(kind: str, *argv: str) -> Any:
    """An object, or a list's items."""
    answer = json.loads(kubectl("get", kind, *argv, "-o", "json"))
    return answer.get("items", answer)


def replicas(stages: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """How many there are of each, and how many of them are ready."""
    found = {each["metadata"]["name"]: each["status"] for each in got("deployments")}
    return {stage: (found[stage].get("replicas", 0), found[stage].get("readyReplicas", 0)) for stage in stages}


def pods(service: str) -> Mapping[str, str]:
    """Names of the running pods by their addresses."""
    items = got("pods", "-l", f"app.kubernetes.io/name={service}", "--field-selector=status.phase=Running")
    return {
        each["status"]["podIP"]: each["metadata"]["name"]
        for each in items
        if "podIP" in each["status"] and "deletionTimestamp" not in each["metadata"]
    }


def missing_images() -> Sequence[str]:
    """Images that pods wait for in vain."""
    waiting = [
        each
        for pod in got("pods")
        for each in (*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ()))
        if each["state"].get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")
    ]
    return sorted({each["image"] for each in waiting})


def reached(pod: str, addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, `host:port`, that a pod can open a connection to. Raises `Refused` where DNS fails."""
    return set(kubectl("exec", pod, "-c", "main", "--", "python", "-c", REACH, *addresses).split())


def peak_memory(pod: str) -> float:
    """The most memory that a pod's container had, in MiB, by its control group."""
    look = "cat /sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes 2>/dev/null; true"
    said = kubectl("exec", pod, "-c", "main", "--", "sh", "-c", look).split()
    return int(said[0]) / 2**20 if said else float("nan")


@contextlib.contextmanager
def forwarded(service: str, port: int) -> Generator[str]:
    """An address on loopback that leads to a service for as long as the context is open."""
    argv = ["kubectl", "--namespace", NAMESPACE, "port-forward", f"service/{service}", f":{port}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            if found is None:
                raise Refused(f"no port was forwarded to {service}")
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def until(what: str, look: Callable[[], bool], *, seconds: float, pause: float = 2.0) -> float:
    """Waits; the seconds that it took. Raises `TimeoutError`."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)
    return time.monotonic() - began


def cleared() -> None:
    """Removes what an earlier proof left. Exits where the namespace is somebody else's."""
    found = json.loads(run("kubectl", "get", "namespaces", "-o", "json"))["items"]
    ours = next((each["metadata"] for each in found if each["metadata"]["name"] == NAMESPACE), None)
    if ours is None:
        return
    if LABEL not in ours.get("labels", {}):
        raise SystemExit(f"The cluster has a namespace {NAMESPACE} that no proof made: it is left alone.")
    run("kubectl", "delete", "namespace", NAMESPACE, "--wait=false")
    for name in [each["metadata"]["name"] for each in got("pods")]:
        with contextlib.suppress(Refused):
            kubectl("delete", "pod", name, "--grace-period=0", "--force")
    run("kubectl", "wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=300s", seconds=320)

"""The manifests of deploy/kubernetes as kustomize renders them: what each stage has, no setting that none reads."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.process import HARD_EXIT_MARGIN
from runtime.settings import StageSettings
from schemas.topics import CHAIN, PARTITIONS, STAGES, ServiceName
from services.gateway.app import DRAIN
from tests.unit.test_settings import concrete, names
from tools.prometheus_rule import ALERTS, rule
from tools.simulate.measured import measured

KUBERNETES = Path("deploy/kubernetes")
OBSERVABILITY = Path("deploy/observability")
OVERLAYS = ("local", "production")
SERVICES = tuple(str(service) for service in ServiceName)
PREFIXES = re.compile(r"(KEYFRAME|S3|R2|OPENAI|NEBIUS|AWS|POLLY|FFMPEG|OTEL)_")
LOCAL_STATEFUL = ["kafka", "postgres", "s3"]

Manifest = Mapping[str, Any]


@cache
def rendered(folder: str) -> Sequence[Manifest]:
    """The objects of a folder with a kustomization."""
    programs = {"kubectl": "kustomize", "kustomize": "build"}
    program = next(filter(shutil.which, programs), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("neither kubectl nor kustomize is there")
        pytest.skip("neither kubectl nor kustomize is there")
    done = subprocess.run([program, programs[program], folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def overlay(name: str) -> Sequence[Manifest]:
    return rendered(str(KUBERNETES / "overlays" / name))


def one(objects: Sequence[Manifest], kind: str, name: str) -> Manifest:
    found = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}: {len(found)}"
    return found[0]


def pods(objects: Sequence[Manifest]) -> Mapping[str, Manifest]:
    """The pod templates by the names of their owners."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Job")
    return {each["metadata"]["name"]: each["spec"]["template"] for each in objects if each["kind"] in kinds}


def main(pod: Manifest) -> Manifest:
    (container,) = pod["spec"]["containers"]
    return container


def matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses the labels."""
    plain = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    said = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in said)
    return plain and all(labels.get(each["key"]) in each["values"] for each in said)


def egress(objects: Sequence[Manifest], labels: Mapping[str, str]) -> Iterator[Manifest]:
    """What a pod may reach, by all policies that choose it."""
    for each in objects:
        if each["kind"] == "NetworkPolicy" and matches(each["spec"]["podSelector"], labels):
            yield from each["spec"].get("egress", ())


def ports(objects: Sequence[Manifest], labels: Mapping[str, str]) -> set[int]:
    return {port["port"] for way in egress(objects, labels) for port in way["ports"]}


def anywhere(objects: Sequence[Manifest], labels: Mapping[str, str]) -> bool:
    """Whether a pod may reach the whole internet."""
    to = [peer for way in egress(objects, labels) for peer in way.get("to", [{"ipBlock": {"cidr": "0.0.0.0/0"}}])]
    return any(peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" for peer in to)


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> Sequence[Manifest]:
    return overlay(request.param)


def test_every_service_runs_as_itself_with_a_budget_and_no_token(objects: Sequence[Manifest]) -> None:
    for service in SERVICES:
        pod = pods(objects)[service]
        account = one(objects, "ServiceAccount", service)
        assert pod["spec"]["serviceAccountName"] == service
        assert account["automountServiceAccountToken"] is False
        assert main(pod)["image"].partition(":")[0].endswith(f"keyframe/{service}")
        sources = [next(iter(source.values()))["name"] for source in main(pod)["envFrom"]]
        assert [name.partition("-")[0] for name in sources] == ["settings", service]
        budget = one(objects, "PodDisruptionBudget", service)["spec"]
        assert matches(budget["selector"], pod["metadata"]["labels"])


def test_no_pod_may_more_than_it_needs(objects: Sequence[Manifest]) -> None:
    for name, template in pods(objects).items():
        pod, locked = template["spec"], main(template)["securityContext"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert locked["allowPrivilegeEscalation"] is False, name
        assert locked["capabilities"] == {"drop": ["ALL"]}, name
        assert locked.get("readOnlyRootFilesystem") is True or name == "kafka", name  # its start writes its settings
        resources = main(template)["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"]), name
        assert "memory" in resources["limits"], name


def test_memory_is_bounded_as_in_compose(objects: Sequence[Manifest]) -> None:
    compose = yaml.safe_load(Path("docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name in (*SERVICES, "init"):
        bound = str(compose[name]["mem_limit"])
        same = {f"{bound[:-1]}{bound[-1].upper()}i"}
        assert {main(pods(objects)[name])["resources"]["limits"]["memory"]} == same, name


def test_python_is_not_process_1_which_hears_no_signal_before_it_listens(objects: Sequence[Manifest]) -> None:
    for name in (*SERVICES, "init"):
        assert pods(objects)[name]["spec"]["shareProcessNamespace"] is True, name


def test_every_service_is_probed_and_spread(objects: Sequence[Manifest]) -> None:
    for service in SERVICES:
        pod = pods(objects)[service]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(main(pod)), service
        opened = {port["name"]: port["containerPort"] for port in main(pod)["ports"]}
        assert opened["health"] == int(settings(objects)["KEYFRAME_HEALTH_PORT"])
        spread = {each["topologyKey"]: each for each in pod["spec"]["topologySpreadConstraints"]}
        assert set(spread) == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        for each in spread.values():
            assert matches(each["labelSelector"], pod["metadata"]["labels"])
            assert "app.kubernetes.io/name" in each["matchLabelKeys"]


def test_a_drain_is_never_cut_short(objects: Sequence[Manifest]) -> None:
    drains = {str(stage): StageSettings().drain for stage in STAGES} | {"gateway": DRAIN}
    for service, drain in drains.items():
        told = settings(objects).get(f"KEYFRAME_{service.upper()}_DRAIN")
        pod = pods(objects)[service]
        farewell = main(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        needed = farewell + float(told or drain) + HARD_EXIT_MARGIN
        assert pod["spec"]["terminationGracePeriodSeconds"] > needed, service


def test_a_stage_that_hangs_is_not_waited_for_as_one_that_drains(objects: Sequence[Manifest]) -> None:
    for stage in STAGES:
        pod = pods(objects)[stage]
        hung = main(pod)["livenessProbe"]["terminationGracePeriodSeconds"]
        assert hung < pod["spec"]["terminationGracePeriodSeconds"], stage


def test_every_stage_scales_on_the_lag_of_its_own_group(objects: Sequence[Manifest]) -> None:
    for stage in STAGES:
        spec = one(objects, "ScaledObject", stage)["spec"]
        (trigger,) = spec["triggers"]
        (topic,) = (topic for topic in CHAIN if stage in topic.consumers)
        said = trigger["metadata"]
        assert spec["scaleTargetRef"] == {"name": str(stage)}
        assert "replicas" not in one(objects, "Deployment", stage)["spec"]
        assert (said["topic"], said["consumerGroup"]) == (topic.name, f"keyframe.{stage}")
        assert said["offsetResetPolicy"] == "earliest", "records from before the first commit are lag"
        assert said["bootstrapServersFromEnv"] in settings(objects)
        assert spec["minReplicaCount"] <= 1 <= spec["maxReplicaCount"] <= PARTITIONS
    assert one(objects, "ScaledObject", ServiceName.STORAGE)["spec"]["minReplicaCount"] == 1, "it sweeps"


def test_thresholds_come_from_measured_seconds_and_the_target_wait(objects: Sequence[Manifest]) -> None:
    inputs = measured()
    for stage in STAGES:
        (trigger,) = one(objects, "ScaledObject", stage)["spec"]["triggers"]
        threshold = inputs.lag_threshold(stage, calls_a_minute(objects, stage))
        assert int(trigger["metadata"]["lagThreshold"]) == threshold, stage


def test_all_replicas_together_call_a_provider_no_more_often_than_an_account_may() -> None:
    objects = overlay("production")
    for name, provider in measured().providers.items():
        replicas = one(objects, "ScaledObject", provider.stage)["spec"]["maxReplicaCount"]
        assert 0 < replicas * calls_a_minute(objects, provider.stage) <= provider.per_minute, name


def test_production_reads_the_lag_as_somebody_of_its_own() -> None:
    objects = overlay("production")
    for stage in STAGES:
        (trigger,) = one(objects, "ScaledObject", stage)["spec"]["triggers"]
        reference = trigger["authenticationRef"]["name"]
        asked = one(objects, "TriggerAuthentication", reference)["spec"]["secretTargetRef"]
        assert {each["parameter"] for each in asked} == {"username", "password"}
        assert trigger["metadata"]["tls"] == "enable"
        assert trigger["metadata"]["sasl"] == settings(objects)["KEYFRAME_KAFKA_SASL_MECHANISM"].lower().replace(
            "-", "_"
        ).replace("sha_", "sha")


def test_everybody_reaches_what_they_need_and_nothing_else() -> None:
    kafka, store, database, names, traces = 9092, 7070, 5432, {53, 5353}, 4318
    objects = overlay("local")
    for service in SERVICES:
        labels = pods(objects)[service]["metadata"]["labels"]
        expected = {kafka, store, *names, traces} | ({database} if service == "gateway" else set())
        assert ports(objects, labels) - {443} == expected, service
    assert ports(objects, pods(objects)["init"]["metadata"]["labels"]) == {kafka, store, *names}
    for part in LOCAL_STATEFUL:
        expected = {*names, kafka} if part == "kafka" else names
        assert ports(objects, pods(objects)[part]["metadata"]["labels"]) == expected, part


def test_only_stages_with_providers_reach_the_internet(objects: Sequence[Manifest]) -> None:
    outside = {name for name, pod in pods(objects).items() if anywhere(objects, pod["metadata"]["labels"])}

    assert outside == {"script", "images", "voice"}


def test_what_nobody_allowed_is_denied(objects: Sequence[Manifest]) -> None:
    spec = one(objects, "NetworkPolicy", "nobody")["spec"]

    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_setting_is_one_that_is_read(objects: Sequence[Manifest]) -> None:
    read = set().union(*(names(each) for each in concrete()))
    set_there = set(settings(objects))
    for each in objects:
        if each["kind"] == "Secret" and each["metadata"]["name"].partition("-")[0] in (*SERVICES, "init"):
            set_there |= set(each["data"])

    assert set_there - read == set()


def test_the_readme_of_production_names_every_secret_and_only_settings_that_are_read() -> None:
    text = (KUBERNETES / "overlays/production/README.md").read_text(encoding="utf-8")
    read = set().union(*(names(each) for each in concrete()))
    asked = {name for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", text) if PREFIXES.match(name)}

    assert asked - read == set()
    for service in (*SERVICES, "init", "autoscaler"):
        assert f"`{service}`" in text, service


def test_production_keeps_no_state_and_no_secret() -> None:
    objects = overlay("production")
    assert {each["kind"] for each in objects} & {"Secret", "StatefulSet", "PersistentVolumeClaim"} == set()
    assert set(pods(objects)) == {*SERVICES, "init"}
    host = settings(objects)["KEYFRAME_GATEWAY_PUBLIC_URL"].removeprefix("https://")
    ingress = one(objects, "Ingress", "gateway")["spec"]
    assert [each["host"] for each in ingress["rules"]] == [host]
    assert [each["hosts"] for each in ingress["tls"]] == [[host]]


def test_components_go_over_production_into_its_namespace(tmp_path: Path) -> None:
    def reached(folder: str) -> str:
        return os.path.relpath(KUBERNETES.resolve() / folder, tmp_path.resolve())

    components = [reached(f"components/{path.name}") for path in (KUBERNETES / "components").iterdir()]
    over = {"resources": [reached("overlays/production")], "components": components}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(over), encoding="utf-8")
    objects = rendered(str(tmp_path))

    assert {each["kind"] for each in objects} >= {"PodMonitor", "PrometheusRule", "ConfigMap"}
    assert {each["metadata"].get("namespace") for each in objects if each["kind"] != "Namespace"} == {"keyframe"}
    for name in (*SERVICES, "init"):
        (authority,) = (each for each in main(pods(objects)[name])["env"] if each["name"] == "KEYFRAME_KAFKA_CA_FILE")
        assert authority["value"].startswith(main(pods(objects)[name])["volumeMounts"][-1]["mountPath"]), name
    asked = one(objects, "TriggerAuthentication", "kafka")["spec"]["secretTargetRef"]
    assert {each["parameter"] for each in asked} == {"username", "password", "ca"}


def test_dashboards_and_alerts_are_those_of_compose() -> None:
    objects = rendered(str(OBSERVABILITY))
    boards = {path.name: path.read_text(encoding="utf-8") for path in OBSERVABILITY.glob("grafana/dashboards/*.json")}

    assert boards
    assert one(objects, "ConfigMap", "keyframe-dashboards")["data"] == boards
    assert one(objects, "ConfigMap", "keyframe-alerts")["data"] == {"alerts.yml": ALERTS.read_text(encoding="utf-8")}
    written = KUBERNETES / "components/prometheus-operator/rule.yaml"
    assert written.read_text(encoding="utf-8") == rule(), f"python -m tools.prometheus_rule > {written}"
    assert yaml.safe_load(rule())["spec"] == yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    assert json.loads(next(iter(boards.values())))


def calls_a_minute(objects: Sequence[Manifest], stage: str) -> float:
    """That one replica of a stage may begin."""
    return float(settings(objects).get(f"KEYFRAME_{stage.upper()}_REQUESTS_PER_MINUTE", "inf"))


def settings(objects: Sequence[Manifest]) -> Mapping[str, str]:
    """The ConfigMap that every service reads."""
    (found,) = (
        each for each in objects if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("settings-")
    )
    return found["data"]

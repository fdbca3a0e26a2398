"""What docker-compose.yml promises, read from the file: each service gets what it reads and nothing else."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from runtime.process import HARD_EXIT_MARGIN
from runtime.settings import CommonSettings, S3Settings, StageSettings
from runtime.tracing import TraceSettings
from schemas.topics import STAGES, ServiceName
from services.assembler.app import AssemblerSettings
from services.gateway.app import DRAIN, GatewaySettings
from services.images.app import ImagesSettings
from services.script.app import ScriptSettings
from services.storage.app import StorageSettings
from services.voice.app import VoiceSettings
from tests.compose.stack import PROJECT
from tests.unit.test_settings import names

SERVICES: Mapping[str, dict[str, Any]] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
OURS = [str(name) for name in ServiceName]
SETTINGS = {
    ServiceName.GATEWAY: GatewaySettings,
    ServiceName.SCRIPT: ScriptSettings,
    ServiceName.IMAGES: ImagesSettings,
    ServiceName.VOICE: VoiceSettings,
    ServiceName.ASSEMBLER: AssemblerSettings,
    ServiceName.STORAGE: StorageSettings,
}
GIVEN_BY_THE_IMAGE = {
    "KEYFRAME_HEALTH_HOST",
    "KEYFRAME_HEALTH_PORT",
    "KEYFRAME_GATEWAY_HOST",
    "KEYFRAME_GATEWAY_PORT",
}
OF_THE_OTHER_STORE = {"KEYFRAME_STORAGE_FOLDER", "R2_ACCOUNT_ID"}
FILES_OF_THE_HOST = {"FFMPEG_PATH", "KEYFRAME_VOICE_MODEL_PATH", "KEYFRAME_ASSEMBLER_SCRATCH"}
OF_PUBLISHED_FILES = {"S3_PUBLIC_BUCKET", "S3_PUBLIC_URL", "S3_SIGN_URLS"}
OF_THE_SECURE_STACK = {name for name in names(CommonSettings) if name.startswith("KEYFRAME_KAFKA_")} - {
    "KEYFRAME_KAFKA_BOOTSTRAP"
} | {"S3_CA_FILE"}
HEADERS_OF_TRACES = "OTEL_EXPORTER_OTLP_HEADERS"


def read(service: ServiceName) -> set[str]:
    """The variables that a service reads and a user may set."""
    found = names(CommonSettings) | names(S3Settings) | names(TraceSettings) | names(SETTINGS[service])
    found -= GIVEN_BY_THE_IMAGE | OF_THE_OTHER_STORE | FILES_OF_THE_HOST | OF_THE_SECURE_STACK
    if service not in (ServiceName.STORAGE, ServiceName.GATEWAY):
        found -= OF_PUBLISHED_FILES
    if service is ServiceName.STORAGE:  # it addresses nothing
        found -= {"S3_SIGN_URLS"}
    if service in (ServiceName.ASSEMBLER, ServiceName.STORAGE, ServiceName.GATEWAY):  # they pay nobody
        found -= {"KEYFRAME_JOB_BUDGET_USD"}
    return found | {HEADERS_OF_TRACES}


@pytest.mark.parametrize("service", ServiceName)
def test_a_service_is_given_what_it_reads_and_nothing_else(service: ServiceName) -> None:
    assert set(SERVICES[service]["environment"]) == read(service)


def test_no_secret_has_a_value_but_those_of_the_parts_inside() -> None:
    for service in OURS:
        for name, value in SERVICES[service]["environment"].items():
            if name.endswith(("_KEY", "_TOKEN", "_HEADERS")) and name != "S3_SECRET_ACCESS_KEY":
                assert value is None, name


@pytest.mark.parametrize("service", [*OURS, "init"])
def test_a_service_can_write_nowhere_and_do_nothing_special(service: str) -> None:
    given = SERVICES[service]
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert "volumes" not in given
    assert "mem_limit" in given


def test_only_the_page_and_what_operators_look_at_are_published_and_to_this_machine_alone() -> None:
    published = {name: given["ports"] for name, given in SERVICES.items() if "ports" in given}
    assert published.keys() == {"gateway", "prometheus", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_service_can_be_scaled() -> None:
    assert not [name for name, given in SERVICES.items() if "container_name" in given]


def test_a_service_that_stops_is_given_the_time_to_drain() -> None:
    longest = StageSettings().drain + HARD_EXIT_MARGIN
    for stage in STAGES:
        grace = re.fullmatch(r"\$\{KEYFRAME_STOP_GRACE:-(\d+)s\}", SERVICES[stage]["stop_grace_period"])
        assert grace is not None
        assert float(grace[1]) > longest
    assert float(SERVICES[ServiceName.GATEWAY]["stop_grace_period"].removesuffix("s")) > DRAIN + HARD_EXIT_MARGIN


def test_what_fails_is_started_again_and_the_job_is_not() -> None:
    assert {name for name, given in SERVICES.items() if given["restart"] != "unless-stopped"} == {"init"}

"""The whole chain where every connection is TLS and every service has a user with the rights of docs/security.md.

Kafka is SASL_SSL with SCRAM, Postgres `sslmode=verify-full`, S3 is https, all under an authority of the test's own.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from keyframe.embedded.folder import DataFolder
from keyframe.rights import INIT, Right, rights
from runtime.errors import Unavailable
from runtime.kafka import Connection, ensure_topics, kafka_connection
from runtime.objects import ObjectStore
from runtime.settings import CommonSettings, S3Settings
from runtime.stores import object_store
from schemas.topics import TOPICS, VIDEO_REQUESTED, ServiceName
from services.gateway.status_view import PostgresView
from tests.e2e.following import final
from tests.e2e.test_chain import ARTICLE
from tests.e2e.watch import check, watch
from tests.parts.s3 import S3Server
from tests.secure_parts import ADMIN, Authority, SecureKafka, behind_tls
from tests.service_processes import run_module, running_service, running_services

pytestmark = [pytest.mark.s3, pytest.mark.timeout(400)]

LATE = "late"


@dataclass(frozen=True)
class Secured:
    """Servers that trust nobody."""

    folder: Path
    authority: Authority
    kafka: SecureKafka
    bootstrap: str
    s3: S3Server
    """By https."""

    def kafka_settings(self, user: str, password: str | None = None) -> dict[str, str]:
        return {
            "KEYFRAME_KAFKA_BOOTSTRAP": self.bootstrap,
            "KEYFRAME_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KEYFRAME_KAFKA_SASL_MECHANISM": "PLAIN" if user == ADMIN else "SCRAM-SHA-512",
            "KEYFRAME_KAFKA_SASL_USERNAME": user,
            "KEYFRAME_KAFKA_SASL_PASSWORD": password or self.kafka.passwords[user],
            "KEYFRAME_KAFKA_CA_FILE": str(self.authority.ca),
        }

    def s3_settings(self, bucket: str) -> dict[str, str]:
        return {
            "KEYFRAME_STORAGE_PROVIDER": "s3",
            "S3_ENDPOINT_URL": self.s3.endpoint,
            "S3_CA_FILE": str(self.authority.ca),
            "S3_ACCESS_KEY_ID": self.s3.access_key,
            "S3_SECRET_ACCESS_KEY": self.s3.secret_key,
            "S3_REGION": "us-east-1",
            "S3_BUCKET": bucket,
        }

    def connection(self, user: str, password: str | None = None, **changes: str) -> Connection:
        return connection({**self.kafka_settings(user, password), **changes})


def connection(settings: Mapping[str, str]) -> Connection:
    """As a service would connect with these settings."""
    return kafka_connection(
        CommonSettings(**{name.removeprefix("KEYFRAME_").lower(): text for name, text in settings.items() if text})
    )


@pytest.fixture(scope="module")
async def secured(
    tmp_path_factory: pytest.TempPathFactory, parts_cache: Path, s3_server: S3Server
) -> AsyncIterator[Secured]:
    root = tmp_path_factory.mktemp("secured")
    authority, folder = Authority(root), DataFolder(root / "data")
    with folder.held():
        kafka = SecureKafka(folder, parts_cache, authority)
        s3_address = urlsplit(s3_server.endpoint).netloc
        async with kafka.part() as broker, behind_tls(s3_address, authority) as s3:
            secure = S3Server("s3 by https", f"https://{s3}", s3_server.access_key, s3_server.secret_key)
            servers = Secured(root, authority, kafka, broker.address, secure)
            for user in (INIT, *ServiceName):
                await kafka.add_user(servers.connection(ADMIN), user, of(user))
            yield servers


async def test_a_prompt_becomes_a_video_over_tls_with_the_least_of_rights(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    bucket = f"secure-{uuid4()}"
    shared = {**secured.s3_settings(bucket), "KEYFRAME_LOG_LEVEL": "debug"}
    status, said = await run_module("runtime.init", {**shared, **secured.kafka_settings(INIT)})
    assert status == 0, said
    address = urlsplit(database)
    async with behind_tls(address.netloc.rpartition("@")[2], secured.authority, asked_for=True) as postgres:
        login = address.netloc.rpartition("@")[0]
        trusting = f"sslmode=verify-full&sslrootcert={secured.authority.ca}"
        dsn = address._replace(netloc=f"{login}@{postgres}", query=trusting).geturl()
        stages = {"KEYFRAME_ASSEMBLER_SHORT_SIDE": "240", "KEYFRAME_SCRIPT_WIKIPEDIA": "false"}
        settings = {
            name: {**shared, **stages, **secured.kafka_settings(name), "KEYFRAME_POSTGRES_DSN": dsn}
            for name in ServiceName
        }
        async with (
            running_services(settings, tmp_path) as running,
            httpx.AsyncClient(base_url=running.address, timeout=30, follow_redirects=False) as api,
        ):
            body = {"prompt": "The keeper", "style": "Storytelling", "scene_count": 3, "source_text": ARTICLE}
            accepted = await api.post("/api/v1/generate", json=body)
            assert accepted.status_code == 202, accepted.text
            status = await final(api, accepted.headers["Location"])
            assert (status["status"], status["error"]) == ("completed", None)
            signed = (await api.get(str(status["video_url"]))).headers["Location"]
            logs = "".join(service.log.read_text() for service in running.services)

    assert signed.startswith(secured.s3.endpoint)
    video = tmp_path / "video.mp4"
    await store_of(_s3(secured, bucket)).download(f"published/{status['jobId']}/1/video.mp4", video)
    assert check(watch(video)) == []
    assert "denied" not in logs.lower()
    for secret in (*secured.kafka.passwords.values(), secured.s3.secret_key, urlsplit(database).password or "?"):
        assert secret not in logs


@pytest.mark.parametrize(
    ("user", "changes", "sentence"),
    [
        ("script", {"KEYFRAME_KAFKA_SASL_PASSWORD": "wr0ng-s3cret"}, "refuses the user or the password"),
        ("script", {"KEYFRAME_KAFKA_SASL_USERNAME": "nobody"}, "refuses the user or the password"),
        ("script", {"KEYFRAME_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}, "check KEYFRAME_KAFKA_SASL_MECHANISM"),
        (
            "script",
            {"KEYFRAME_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KEYFRAME_KAFKA_CA_FILE": ""},
            "check KEYFRAME_KAFKA_SECURITY_PROTOCOL",
        ),
        (
            "script",
            {
                "KEYFRAME_KAFKA_SECURITY_PROTOCOL": "SSL",
                "KEYFRAME_KAFKA_SASL_MECHANISM": "",
                "KEYFRAME_KAFKA_SASL_USERNAME": "",
                "KEYFRAME_KAFKA_SASL_PASSWORD": "",
            },
            "check KEYFRAME_KAFKA_SECURITY_PROTOCOL",
        ),
    ],
)
async def test_a_broker_that_refuses_us_is_told_in_a_sentence(
    secured: Secured, user: str, changes: dict[str, str], sentence: str
) -> None:
    refusal = await refused(secured.connection(user, **changes))

    assert sentence in refusal
    for secret in (*secured.kafka.passwords.values(), "wr0ng-s3cret"):
        assert secret not in refusal


async def test_a_certificate_is_trusted_by_its_authority_and_its_name(secured: Secured, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    unknown = await refused(secured.connection("script", KEYFRAME_KAFKA_CA_FILE=str(stranger.ca)))
    elsewhere = secured.bootstrap.replace("127.0.0.1", "localhost")
    other = await refused(secured.connection("script", KEYFRAME_KAFKA_BOOTSTRAP=elsewhere))

    assert "unknown authority" in unknown
    assert "check KEYFRAME_KAFKA_CA_FILE" in unknown
    assert "a certificate for another name: check KEYFRAME_KAFKA_BOOTSTRAP" in other


def of(user: str) -> list[Right]:
    return [right for right in rights() if right.user == user]


async def refused(connection: Connection) -> str:
    with pytest.raises(Unavailable) as refusal:
        await ensure_topics(connection, TOPICS)
    return str(refusal.value)


async def test_a_stage_with_an_unknown_user_says_so_and_goes_on_once_it_is_known(
    secured: Secured, tmp_path: Path
) -> None:
    await ensure_topics(secured.connection(INIT), TOPICS)
    password = secrets.token_urlsafe(12)
    settings = {**secured.kafka_settings("images", password), "KEYFRAME_STORAGE_FOLDER": str(tmp_path / "objects")}
    settings["KEYFRAME_KAFKA_SASL_USERNAME"] = LATE
    sentence = "refuses the user or the password: check KEYFRAME_KAFKA_SASL_USERNAME, KEYFRAME_KAFKA_SASL_PASSWORD"
    async with running_service("images", settings, tmp_path) as service:
        await service.says(sentence)
        assert sentence in service.log.read_text()
        assert password not in service.log.read_text()

        await secured.kafka.add_user(secured.connection(ADMIN), LATE, of("images"), password)
        await service.ready()


async def test_a_user_without_a_password_ends_a_service_with_one_sentence(secured: Secured) -> None:
    settings = {**secured.kafka_settings("images"), "KEYFRAME_KAFKA_SASL_PASSWORD": ""}

    status, said = await run_module("services.images", settings)

    assert status == 1
    assert said.strip() == (
        "KEYFRAME_KAFKA_SASL_USERNAME, KEYFRAME_KAFKA_SASL_PASSWORD: both, for"
        " KEYFRAME_KAFKA_SECURITY_PROTOCOL=SASL_SSL"
    )


async def test_topics_are_not_made_by_who_may_not(secured: Secured) -> None:
    missing = replace(VIDEO_REQUESTED, name="keyframe.test.missing.v1")

    with pytest.raises(Unavailable, match="does not let our user make topics") as refusal:
        await ensure_topics(secured.connection("storage"), [missing])
    assert refusal.value.refused
    await ensure_topics(secured.connection(INIT), [missing])


async def test_a_database_that_refuses_us_is_told_in_a_sentence(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    address = urlsplit(database)
    login, _, place = address.netloc.rpartition("@")
    async with behind_tls(place, secured.authority, asked_for=True) as postgres:

        def dsn(authority: Path, login: str = login, host: str = postgres) -> str:
            query = f"sslmode=verify-full&sslrootcert={authority}"
            return address._replace(netloc=f"{login}@{host}", query=query).geturl()

        wrong = {
            dsn(stranger.ca): "certificate is not trusted",
            dsn(secured.authority.ca, host=postgres.replace("127.0.0.1", "localhost")): "certificate is not trusted",
            dsn(tmp_path / "missing.pem"): "cannot be found: check sslrootcert",
            dsn(secured.authority.ca, login=f"{login}-wr0ng"): "refuses the user or the password",
            dsn(secured.authority.ca, host=place): "speaks no TLS",
        }
        for address_of_it, sentence in wrong.items():
            with pytest.raises(Unavailable, match=sentence) as refusal:
                await PostgresView(address_of_it).open()
            assert "KEYFRAME_POSTGRES_DSN" in str(refusal.value)
            assert login not in str(refusal.value)


async def test_a_store_whose_certificate_is_not_trusted_is_told(secured: Secured) -> None:
    with pytest.raises(Unavailable, match="not trusted: check S3_CA_FILE"):
        await store_of(_s3(secured, "keyframe").model_copy(update={"s3_ca_file": None})).preflight()


def _s3(secured: Secured, bucket: str) -> S3Settings:
    return S3Settings(**{name.lower(): value for name, value in secured.s3_settings(bucket).items()})


def store_of(s3: S3Settings) -> ObjectStore:
    return object_store(CommonSettings(storage_provider="s3"), s3)

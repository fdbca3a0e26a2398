"""Kafka and Postgres as they run where strangers share the network: TLS, and a user for each service.

The certificates come from an authority that a test makes for itself.
"""

import asyncio
import hashlib
import os
import secrets
import ssl
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.report import silent
from keyframe.rights import Right
from runtime.clock import utc_now
from runtime.kafka import Connection

ADMIN = "admin"


class Authority:
    """Signs certificates. `ca` is its own, as a file."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = rsa.generate_private_key(65537, 2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = folder / f"{name}.pem"
        certificate = self._certificate(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, *addresses: str) -> tuple[Path, Path]:
        """The files of a certificate for servers at these addresses, and of its key."""
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        places = x509.SubjectAlternativeName([x509.IPAddress(ip_address(each)) for each in addresses])
        certificate = self._certificate(subject, key, places)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _certificate(self, subject: x509.Name, key: rsa.RSAPrivateKey, extension: x509.ExtensionType) -> Any:
        now = utc_now()
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@dataclass
class SecureKafka:
    """A broker that lets in, by TLS alone, who has a password, and allows nobody what was not granted."""

    folder: DataFolder
    cache: Path
    authority: Authority
    passwords: dict[str, str] = field(default_factory=lambda: {ADMIN: secrets.token_urlsafe(12)})

    def part(self) -> Kafka:
        """To be entered as a context."""
        certificate, key = self.authority.sign("kafka", "127.0.0.1")
        keystore = self.folder.root / "kafka.pem"
        keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
        module, password = "org.apache.kafka.common.security", self.passwords[ADMIN]
        login = f'required username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";'
        properties = {
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.ca),
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule {login}",
            "listener.name.clients.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{ADMIN};User:ANONYMOUS",  # the latter speaks to itself, on the controller's listener
        }
        return Kafka(self.folder, self.cache, silent, properties=properties)

    async def add_user(self, admin: Connection, name: str, rights: Sequence[Right], password: str = "") -> None:
        """Makes a user, and grants it these rights."""
        self.passwords[name] = password or secrets.token_urlsafe(12)
        client = AIOKafkaAdminClient(**admin.options)
        await client.start()
        try:
            answer: Any = await client._send_to_controller(AddScramUser(name, self.passwords[name]))
            assert [code for _, code, *_ in answer.results] == [0], answer
            for request in granting(name, rights):
                answer = await client._send_to_controller(request)
                assert [code for code, _ in answer.creation_responses] == [0], answer
        finally:
            await client.close()


KINDS = {"topic": 2, "group": 3}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
PATTERNS = {False: 3, True: 4}
ALLOW = 3


def granting(user: str, rights: Sequence[Right]) -> Iterator[CreateAclsRequest]:
    """The requests that grant these rights."""
    for right in rights:
        for operation in right.operations:
            kind, pattern = KINDS[right.kind], PATTERNS[right.prefixed]
            yield CreateAclsRequest(kind, right.name, pattern, f"User:{user}", "*", OPERATIONS[operation], ALLOW)


SCRAM_SHA_512 = 2


class AlteredScramUsers(Response):
    """aiokafka has no request for this."""

    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterScramUsers(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = AlteredScramUsers
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AddScramUser(Request[AlterScramUsers]):
    """Makes a user that logs in by SCRAM-SHA-512."""

    API_KEY = 51

    def __init__(self, name: str, password: str) -> None:
        self.name, self.password = name, password

    def build(self, request_struct_class: type[AlterScramUsers]) -> AlterScramUsers:
        salt, rounds = os.urandom(16), 4096
        salted = hashlib.pbkdf2_hmac("sha512", self.password.encode(), salt, rounds)
        return request_struct_class([], [(self.name, SCRAM_SHA_512, rounds, salt, salted, {})], {})


@asynccontextmanager
async def behind_tls(address: str, authority: Authority, *, asked_for: bool = False) -> AsyncGenerator[str]:
    """The same server with TLS before it, as load balancers put it: host:port.

    Args:
        address: host:port of the server.
        asked_for: whether clients ask for TLS first, as Postgres' do.
    """
    host, _, port = address.rpartition(":")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*authority.sign(f"server-{port}", "127.0.0.1"))

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if asked_for:
                assert await reader.readexactly(8) == POSTGRES_ASKS, "a client that does without TLS"
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(tls)
            answers, requests = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pipe(reader, requests), _pipe(answers, writer))
        writer.close()

    async with await asyncio.start_server(forward, "127.0.0.1", 0, ssl=None if asked_for else tls) as proxy:
        yield f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"


POSTGRES_ASKS = bytes.fromhex("0000000804d2162f")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()

"""Fetching a picture from an address that the provider gave."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from runtime.errors import Transient
from services.images.addresses import is_public
from services.images.fetch import MAX_BYTES, fetch, trust
from tests.images_server import FOREVER, Answer, ImagesServer, images_server

DATA = b"\x89PNG and so on"
PUBLIC = httpx.URL("https://api.example.org/v1/")


@pytest.fixture
async def server() -> AsyncIterator[ImagesServer]:
    async with images_server() as running:
        running.files["/picture"] = Answer(DATA)
        yield running


@pytest.fixture
def own(server: ImagesServer) -> httpx.URL:
    """The base URL of a provider on this machine."""
    return httpx.URL(server.url)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "0.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
        "198.18.0.1", "168.63.129.16", "::", "::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_for_everybody(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "151.101.1.69", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_that_is_for_everybody(address: str) -> None:
    assert is_public(address)


async def test_the_providers_own_host_may_be_private_on_any_port(server: ImagesServer, own: httpx.URL) -> None:
    async with images_server() as second:
        second.files["/other?sig=1"] = Answer(b"other")
        assert await fetch(f"{server.origin}/picture", own) == DATA
        assert await fetch(f"{second.origin}/other?sig=1", own) == b"other"
    (headers,) = server.got
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert "authorization" not in headers


async def test_the_name_is_told_though_the_connection_goes_to_its_address(server: ImagesServer) -> None:
    own = httpx.URL(f"http://localhost:{server.port}/v1/")
    assert await fetch(f"http://localhost:{server.port}/picture", own) == DATA
    assert server.got[0]["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"],
)
async def test_another_host_inside_the_network_is_not_asked(server: ImagesServer, host: str) -> None:
    own = httpx.URL("http://api.example.org/v1/")
    with pytest.raises(Transient, match=r"private network|cannot be found"):
        await fetch(f"http://{host}:{server.port}/picture", own)
    assert server.got == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://example.org/picture", "not https"),
        ("ftp://example.org/picture", "not https"),
        ("file:///etc/passwd", "not https"),
        ("data:image/png;base64,aaaa", "not https"),
        ("//example.org/picture", "not https"),
        ("https:///picture", "not https"),
        ("https://user:word@example.org/picture", "password"),
        ("https://no-such-host.invalid/picture", "cannot be found"),
        ("https://exa mple.org/\x00", "none"),
        ("https://[::1/picture", "none"),
        ("https://example.org:99999/x", "none"),
        ("", "not https"),
    ],
)
async def test_an_address_that_is_not_to_be_followed(address: str, reason: str) -> None:
    with pytest.raises(Transient, match=reason):
        await fetch(address, PUBLIC)


async def test_a_redirect_on_the_same_host_is_followed(server: ImagesServer, own: httpx.URL) -> None:
    server.files["/moved"] = Answer(status=302, headers={"location": "/picture"})
    assert await fetch(f"{server.origin}/moved", own) == DATA


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://localhost:{port}/picture", "another host"),
        ("http://169.254.169.254/latest/meta-data/", "another host"),
        ("http://10.0.0.1/", "another host"),
        ("https://example.org/", "another host"),
        ("/circle", "circles"),
        ("http://[::1/", "none|fetched"),
        ("http://user:word@127.0.0.1:{port}/picture", "password"),
        ("file:///etc/passwd", "another host|not https"),
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(
    server: ImagesServer, own: httpx.URL, target: str, reason: str
) -> None:
    server.files["/circle"] = Answer(status=307, headers={"location": target.format(port=server.port)})
    with pytest.raises(Transient, match=reason):
        await fetch(f"{server.origin}/circle", own)
    assert all("picture" not in str(headers) for headers in server.got)


BAD = {
    "expired": (Answer(b"<Error>AccessDenied</Error>", 403), "expired"),
    "gone": (Answer(status=404), "expired"),
    "failing": (Answer(status=500), "failed"),
    "too long": (Answer(bytes(MAX_BYTES + 1)), "more bytes"),
    "compressed": (Answer(DATA, headers={"content-encoding": "gzip"}), "compressed"),
    "cut off": (Answer(DATA, length=1000), "fetched"),
    "reset": (Answer(DATA, length=1000, reset="after"), "fetched"),
    "reset at once": (Answer(reset="before"), "fetched"),
}


@pytest.mark.parametrize(("answer", "reason"), BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_had_may_be_had_later(
    server: ImagesServer, own: httpx.URL, answer: Answer, reason: str
) -> None:
    server.files["/bad"] = answer
    with pytest.raises(Transient, match=reason):
        await fetch(f"{server.origin}/bad", own)


@pytest.mark.parametrize("answer", [Answer(delay=FOREVER), Answer(DATA, drip=0.2)], ids=["hang", "slow drip"])
async def test_the_callers_deadline_ends_it(server: ImagesServer, own: httpx.URL, answer: Answer) -> None:
    server.files["/slow"] = answer
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await fetch(f"{server.origin}/slow", own)


async def test_nobody_there() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Transient, match="fetched"):
        await fetch(f"http://127.0.0.1:{port}/picture", httpx.URL("http://127.0.0.1:1/"))


async def test_the_certificate_is_checked_against_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_trust: None
) -> None:
    certificate, key = self_signed(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with images_server(tls) as server:
        server.files["/picture"] = Answer(DATA)
        named = f"https://localhost:{server.port}/picture"
        with pytest.raises(Transient, match="fetched"):
            await fetch(named, httpx.URL(named))
        trust.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await fetch(named, httpx.URL(named)) == DATA
        numbered = f"https://127.0.0.1:{server.port}/picture"
        with pytest.raises(Transient, match="fetched"):
            await fetch(numbered, httpx.URL(numbered))


@pytest.fixture
def own_trust() -> Iterator[None]:
    """The trusted authorities are read again, before and after."""
    trust.cache_clear()
    yield
    trust.cache_clear()


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for `name` alone, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "certificate.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(secret)
    return folder / "certificate.pem", folder / "key.pem"

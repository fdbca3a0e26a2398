"""Fetching a picture from the address that a provider gave, which is as hostile as any other input.

The host is resolved once, its addresses are judged, and the connection goes to one of the judged
addresses, so that a second answer of the name server cannot lead elsewhere.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator
from functools import cache

import httpx

from runtime.errors import Transient
from services.images.addresses import is_public

MAX_BYTES = 16_000_000
MAX_REDIRECTS = 3
MAX_PORT = 65_535
CONNECT_SECONDS = 10.0

_EXPIRED = frozenset({401, 403, 404, 410})
_USER_AGENT = "KeyFrame/0.1"
"""Some networks of content turn away who gives no name."""


async def fetch(address: str, own: httpx.URL) -> bytes:
    """The bytes at an address. The caller sets a deadline.

    Args:
        own: the provider's configured base URL: its host may be private and, if it is http, so may
            the address be.

    Raises:
        Transient: the address is not one to follow, has expired, or what is there cannot be had.
    """
    with contextlib.suppress(httpx.HTTPError):
        return await _followed(_parsed(address), own)
    raise Transient("the picture could not be fetched from the painter's address")


async def _followed(url: httpx.URL, own: httpx.URL) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        _judge(url, own)
        async with _answer(url, own) as response:
            if not response.has_redirect_location:
                return await _body(response)
            target = _parsed(response.headers["location"], url)
        if target.host != url.host:
            raise Transient("the address of the picture leads to another host")
        url = target
    raise Transient("the address of the picture leads in circles")


def _parsed(address: str, base: httpx.URL | None = None) -> httpx.URL:
    with contextlib.suppress(httpx.InvalidURL, ValueError):
        url = base.join(address) if base else httpx.URL(address)
        if (url.port or 0) <= MAX_PORT:
            return url
    raise Transient("the painter gave an address that is none")


def _judge(url: httpx.URL, own: httpx.URL) -> None:
    """Raises `Transient` where the address is not one to follow."""
    if url.scheme not in ("https", own.scheme) or not url.host:
        raise Transient("the painter gave an address that is not https")
    if url.userinfo:
        raise Transient("the painter gave an address with a password in it")


@contextlib.asynccontextmanager
async def _answer(url: httpx.URL, own: httpx.URL) -> AsyncGenerator[httpx.Response]:
    """The answer of the first of the host's addresses that can be reached."""
    addresses = await _resolved(url, own)
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    # Compressed answers are not asked for: pictures gain nothing, and a small one could unfold to gigabytes.
    headers = {"Host": url.netloc.decode(), "User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
    async with httpx.AsyncClient(verify=trust(), trust_env=False, timeout=timeout) as client:
        response = await _first(client, url, addresses, headers)
        try:
            yield response
        finally:
            await response.aclose()


async def _first(
    client: httpx.AsyncClient, url: httpx.URL, addresses: list[str], headers: dict[str, str]
) -> httpx.Response:
    last = addresses[-1]
    for address in addresses:
        # The certificate is checked against the name, the connection goes to the judged address.
        pinned = client.build_request(
            "GET", url.copy_with(host=address), headers=headers, extensions={"sni_hostname": url.host}
        )
        try:
            return await client.send(pinned, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if address == last:
                raise
    raise AssertionError("a host that was resolved has an address")


async def _resolved(url: httpx.URL, own: httpx.URL) -> list[str]:
    """The host's IP addresses. Raises `Transient` where one is not for everybody, unless the host is our own."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise Transient("the host of the picture's address cannot be found")
    if url.host != own.host and not all(is_public(address) for address in addresses):
        raise Transient("the painter gave an address inside a private network")
    return addresses


async def _body(response: httpx.Response) -> bytes:
    if response.status_code in _EXPIRED:
        raise Transient(f"the address of the picture has expired (status {response.status_code})")
    if not response.is_success:
        raise Transient(f"the picture's host failed (status {response.status_code})")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Transient("the picture came compressed")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_BYTES:
            raise Transient("the painter sent more bytes than a picture can have")
    return bytes(body)


@cache
def trust() -> ssl.SSLContext:
    """The authorities that are trusted, read once."""
    return httpx.create_ssl_context()

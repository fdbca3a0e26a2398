"""A client of the gateway's REST API."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""How long a gateway may be silent before a running job is given up on."""

FINAL = ("completed", "failed", "cancelled")

Status = dict[str, Any]
"""The body of GET /api/v1/status/{jobId}."""


class GatewayError(Exception):
    """The gateway refused, or cannot be reached; the message is for the user."""


@dataclass(frozen=True)
class Order:
    """What is asked for; None leaves a choice to the gateway."""

    prompt: str
    style: str
    aspect_ratio: str | None = None
    voice: str | None = None
    language: str | None = None
    scene_count: int | None = None
    target_seconds: int | None = None
    source_text: str | None = None

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


class Client:
    """Speaks to one gateway.

    Every method raises `GatewayError`.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=address, headers=headers, timeout=30, follow_redirects=True)
        self._address = address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def generate(self, order: Order) -> str:
        """Orders a video; gives its job's id. A lost answer is asked for again and makes one job."""
        key = {"Idempotency-Key": uuid4().hex}
        for _ in range(3):
            try:
                answer = await self._http.post("/api/v1/generate", json=order.body(), headers=key)
            except httpx.TransportError:
                await asyncio.sleep(POLL_SECONDS)
            else:
                return str(self._read(answer)["jobId"])
        raise self._silent()

    async def follow(self, job_id: str, revision: int = 1) -> AsyncIterator[Status]:
        """The job's status, again and again, until that of this revision or a later one is final."""
        silent = 0.0
        while True:
            try:
                status = self._read(await self._http.get(f"/api/v1/status/{job_id}"))
            except httpx.TransportError as error:
                silent += POLL_SECONDS
                if silent > PATIENCE_SECONDS:
                    raise GatewayError(f"The gateway at {self._address} has stopped answering.") from error
            else:
                silent = 0.0
                yield status
                if status["status"] in FINAL and status["revision"] >= revision:
                    return
            await asyncio.sleep(POLL_SECONDS)

    async def answers(self) -> bool:
        """Whether anybody listens at the address."""
        try:
            await self._http.get("/healthz")
        except httpx.TransportError:
            return False
        return True

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Status:
        """The gateway's answer to one request of its API; `{}` where it has none."""
        try:
            answer = await self._http.request(method, f"/api/v1{path}", json=body)
        except httpx.TransportError as error:
            raise self._silent() from error
        return {} if answer.status_code == HTTPStatus.NO_CONTENT else self._read(answer)

    async def lines(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Status]:
        """What a long operation tells while the gateway is at it, a JSON object a line; an `error` is raised."""
        try:
            async with self._http.stream("POST", f"/api/v1{path}", json=body, timeout=PATIENCE_SECONDS) as answer:
                if answer.is_error:
                    await answer.aread()
                    self._read(answer)
                async for line in answer.aiter_lines():
                    told: Status = json.loads(line)
                    if told["event"] == "error":
                        raise GatewayError(told["detail"])
                    yield told
        except httpx.ConnectError as error:
            raise self._silent() from error
        except (httpx.TransportError, ValueError) as error:
            raise GatewayError(f"The gateway at {self._address} broke off its answer.") from error

    def _silent(self) -> GatewayError:
        return GatewayError(
            f"No gateway answers at {self._address}: start one with `keyframe up`, or name it with --url."
        )

    async def download(self, url: str, target: Path) -> None:
        """Fetches a published file, whole or not at all."""
        part = target.with_name(target.name + ".part")
        try:
            async with self._http.stream("GET", url) as answer:
                if answer.is_error:
                    await answer.aread()
                    self._read(answer)
                with part.open("wb") as file:
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
            part.replace(target)
        except (httpx.TransportError, OSError) as error:
            raise GatewayError(f"The video could not be saved to {target}: {error}.") from error
        finally:
            part.unlink(missing_ok=True)

    @staticmethod
    def _read(answer: httpx.Response) -> Status:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise GatewayError(f"This is no KeyFrame gateway: it answered {answer.status_code} without a JSON object.")
        status: Status = body  # pyright: ignore[reportUnknownVariableType] - any object
        if answer.is_error:
            wrong = [
                f"{each.get('pointer', '').removeprefix('#/')}: {each['detail']}" for each in status.get("errors", [])
            ]
            raise GatewayError("; ".join(wrong) or status.get("detail") or status.get("title") or answer.reason_phrase)
        return status

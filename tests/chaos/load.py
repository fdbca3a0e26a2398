"""The users: they ask for videos through the gateway, follow them, stop some, and ask again where nobody answered."""

import asyncio
import contextlib
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

import httpx

from tests.chaos.providers import Till

AGAIN_SECONDS, LOOK_SECONDS = 0.5, 0.5
STYLES = ("Educational", "Storytelling", "Meme")
SCENES = 3
OTHER_VOICE = "bella"


class Fate(StrEnum):
    """What is in store for a job besides the faults."""

    PLAIN = "plain"
    REDRIVEN = "redriven"
    """Its pictures are refused for their content, so that it is parked; then the provider thinks better of it."""
    DISCARDED = "discarded"
    """The provider does not, and its parked record is given up."""
    CANCELLED = "cancelled"
    REPLAYED = "replayed"
    """Once it is completed, it is spoken again with another voice."""


_FATES = {3: Fate.REDRIVEN, 5: Fate.REPLAYED, 7: Fate.CANCELLED, 9: Fate.DISCARDED}
"""By the last digit of a job's number."""

REFUSED = (Fate.REDRIVEN, Fate.DISCARDED)


@dataclass
class Job:
    """A job that was accepted."""

    number: int
    id: str
    fate: Fate
    status: dict[str, Any] = field(default_factory=dict)
    settled: bool = False
    """Whether what was in store for it has been done, where that is a single call."""

    @property
    def word(self) -> str:
        return self.status.get("status", "")

    @property
    def is_through(self) -> bool:
        """Whether it has come to the end that it should: whatever failed is sent again, but for what is given up."""
        match self.fate:
            case Fate.DISCARDED:
                return self.settled
            case Fate.REPLAYED:
                return self.settled and self.word == "completed" and self.status["revision"] > 1
            case Fate.CANCELLED:
                return self.word in ("cancelled", "completed")
            case _:
                return self.word == "completed"


@dataclass
class Load:
    """So many jobs at least, `width` of them at a time, and more for as long as the chaos needs work to land on."""

    api: httpx.AsyncClient
    till: Till
    seed: int
    jobs: int
    width: int
    accepted: list[Job] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    """What requests were answered with, by status or kind of failure."""
    done: Counter[str] = field(default_factory=Counter)
    """Records that were redriven, discarded and replayed."""

    async def ask(self, enough: "asyncio.Event") -> None:
        """Asks for videos until there are enough of them and it is told that it is enough."""
        number = 0
        while number < self.jobs or not enough.is_set():
            number += 1
            while sum(not job.is_through for job in self.accepted) >= self.width:
                await asyncio.sleep(LOOK_SECONDS)
                if number > self.jobs and enough.is_set():
                    return
            self.accepted.append(await self._asked(number))

    async def follow(self) -> None:
        """Looks at every job until it is through; for ever."""
        while True:
            for job in [job for job in self.accepted if not job.is_through]:
                job.status = (await self._call("GET", f"/api/v1/status/{job.id}", 200)).json()
                await self._tend(job)
            await asyncio.sleep(LOOK_SECONDS)

    async def _asked(self, number: int) -> Job:
        fate = _FATES.get(number % 10, Fate.PLAIN)
        if fate in REFUSED:
            self.till.forbidden.add(number)
        body = {
            "prompt": f"How mill {number} turns",
            "style": STYLES[number % len(STYLES)],
            "scene_count": SCENES,
            "target_seconds": 15,
        }
        headers = {"Idempotency-Key": f"chaos-{self.seed}-{number}"}
        answer = await self._call("POST", "/api/v1/generate", 202, json=body, headers=headers)
        return Job(number, answer.json()["jobId"], fate)

    async def _tend(self, job: Job) -> None:
        match job.word, job.fate:
            case "processing", Fate.CANCELLED if not job.settled:
                answer = await self._call("DELETE", f"/api/v1/jobs/{job.id}", 202, 409)
                job.settled = answer.status_code == 202
            case "failed", Fate.DISCARDED if job.status["error"]["code"] == "permanent":
                await self._done("/api/v1/dead-letters/discard", {"all": True, "job": job.id}, "discarded")
                job.settled = await self._given_up(job)
            case "failed", _:
                self.till.forbidden.discard(job.number)
                await self._done("/api/v1/dead-letters/redrive", {"all": True, "job": job.id}, "redriven")
            case "completed", Fate.REPLAYED if not job.settled:
                order = {"jobs": [job.id], "from": "voice", "set": {"voice": OTHER_VOICE}}
                order["id"] = str(uuid5(UUID(job.id), "replay"))  # so that an answer that is lost makes no second one
                job.settled = await self._done("/api/v1/replays", order, "replayed")
            case _:
                pass

    async def _given_up(self, job: Job) -> bool:
        """Whether none of its parked records waits for anybody: the answer that said so may have been lost."""
        found = await self._call("GET", "/api/v1/dead-letters", 200, params={"job": job.id, "settled": True})
        letters = found.json()["items"]
        return bool(letters) and all(letter["settled"] for letter in letters)

    async def _done(self, path: str, body: dict[str, Any], event: str) -> bool:
        """Asks once, and says whether it was done to the record; a long answer may break off."""
        with contextlib.suppress(httpx.TransportError):
            answer = await self.api.post(path, json=body)
            self.answers[str(answer.status_code)] += 1
            lines = [json.loads(line) for line in answer.text.splitlines()] if answer.is_success else []
            self.done[event] += sum(line["event"] == event for line in lines)
            return any(line["event"] == event for line in lines) and lines[-1]["event"] == "done"
        return False

    async def _call(self, method: str, path: str, *expected: int, **sent: Any) -> httpx.Response:
        """The answer, asked for until it is one of those expected."""
        while True:
            try:
                answer = await self.api.request(method, path, **sent)
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                if answer.status_code in expected:
                    return answer
            await asyncio.sleep(AGAIN_SECONDS)


async def all_through(load: Load, seconds: float) -> bool:
    """Waits until no accepted job is on its way; says whether that was in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not all(job.is_through for job in load.accepted):  # noqa: ASYNC110 - it is asked of the gateway
                await asyncio.sleep(LOOK_SECONDS)
            return True
    return False

"""A stage as its container runs it, with a handler that ends when the test says so.

    python -m tests.chaos.slow_process FOLDER STAGE TOPIC ANSWERS

It notes each start of its handler in FOLDER/began, waits for FOLDER/go/<job id>, or for FOLDER/go/<job id>.<its pid>,
and then pays, which it notes in FOLDER/paid. A job with FOLDER/held/<job id> meets a provider that is away. The
environment says the rest.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.errors import Unavailable
from runtime.process import main
from runtime.settings import StageSettings
from runtime.stage import AnyStage, Job, Stage
from schemas.events import ScriptWritten
from schemas.topics import SCRIPT_WRITTEN, ServiceName


@dataclass(frozen=True)
class Handler:
    folder: Path

    def note(self, ledger: str, job_id: str) -> None:
        with (self.folder / ledger).open("a") as file:
            file.write(f"{job_id} {os.getpid()}\n")

    async def run(self, script: ScriptWritten, job: Job) -> ScriptWritten:
        self.note("began", script.job_id)
        if (self.folder / "held" / script.job_id).exists():
            raise Unavailable("the provider is away", on="provider", retry_after=3000)
        go = [self.folder / "go" / name for name in (script.job_id, f"{script.job_id}.{os.getpid()}")]
        while not any(each.exists() for each in go):  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)

        async def pay(bill: Bill) -> Made:
            self.note("paid", script.job_id)
            return Made(b"bought", "text/plain")

        await job.artefacts.obtain({"job": script.job_id}, pay, lambda made: None)
        return script


def build(folder: str, stage: str, topic: str, answers: str) -> AnyStage:
    reads, writes = replace(SCRIPT_WRITTEN, name=topic), replace(SCRIPT_WRITTEN, name=answers)
    return Stage(ServiceName(stage), reads, writes, Handler(Path(folder)).run, lambda job: job, StageSettings())


if __name__ == "__main__":
    main(lambda: build(*sys.argv[1:]))

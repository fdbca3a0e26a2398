"""A stage as its container runs it, with a handler that ends when the test says so.

    python -m tests.chaos.slow_process FOLDER STAGE TOPIC ANSWERS

It notes each start of its handler, a paid call so to say, in FOLDER/began and ends when FOLDER/go/<job id> is
there. A job with FOLDER/held/<job id> meets a provider that is away. The environment says the rest.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.errors import Unavailable
from runtime.process import main
from runtime.settings import StageSettings
from runtime.stage import AnyStage, Job, Stage
from schemas.events import ScriptWritten
from schemas.topics import SCRIPT_WRITTEN, ServiceName


@dataclass(frozen=True)
class Handler:
    folder: Path

    async def run(self, script: ScriptWritten, job: Job) -> ScriptWritten:
        with (self.folder / "began").open("a") as began:
            began.write(f"{script.job_id} {os.getpid()}\n")
        if (self.folder / "held" / script.job_id).exists():
            raise Unavailable("the provider is away", on="provider", retry_after=3000)
        while not (self.folder / "go" / script.job_id).exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
        return script


def build(folder: str, stage: str, topic: str, answers: str) -> AnyStage:
    reads, writes = replace(SCRIPT_WRITTEN, name=topic), replace(SCRIPT_WRITTEN, name=answers)
    return Stage(ServiceName(stage), reads, writes, Handler(Path(folder)).run, lambda job: job, StageSettings())


if __name__ == "__main__":
    main(lambda: build(*sys.argv[1:]))

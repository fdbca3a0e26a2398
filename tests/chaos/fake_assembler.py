"""`python -m tests.chaos.fake_assembler`: the assembler stage with a renderer that only pretends, for long runs."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.process import main
from runtime.stage import AnyStage, Job
from services.assembler.app import AssemblerSettings, build
from services.assembler.ffmpeg import scratch_errors
from services.assembler.ffmpeg_renderer import SRT, THUMBNAIL, VIDEO, VTT
from services.assembler.ports import Film, Rendered, Report
from services.assembler.service import Ports

SECONDS, BYTES = 0.3, 200_000


@dataclass(frozen=True)
class FakeRenderer:
    recipe: str = "pretended"

    async def render(self, film: Film, folder: Path, report: Report) -> Rendered:
        paths = [folder / name for name in (VIDEO, THUMBNAIL, VTT, SRT)]
        with scratch_errors():
            for part, path in enumerate(paths, 1):
                await asyncio.sleep(SECONDS / len(paths))
                path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(BYTES))
                await report(part / len(paths))
        return Rendered(*paths, duration=15.0)


def pretended() -> AnyStage:
    settings = AssemblerSettings()

    def ports(job: Job) -> Ports:
        return Ports(FakeRenderer(), job.store, job.progress, settings.scratch)

    return replace(build(settings), ports=ports)


if __name__ == "__main__":
    main(pretended)

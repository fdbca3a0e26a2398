"""What the terminal shows: parts that start, stages that work."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from keyframe.client import Status
from keyframe.embedded.report import Downloading, Ready, Starting
from keyframe.embedded.report import Progress as PartProgress
from schemas.topics import STAGES

MEGABYTE = 1_000_000


class _Display:
    """Bars that are shown for as long as the context is open."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


class PartsDisplay(_Display):
    """Says which parts are downloaded, how large, and which are up. A `Report`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
        super().__init__(Progress(*columns, console=console, transient=True))
        self._tasks: dict[str, TaskID] = {}

    def stop(self) -> None:
        """Everything is up: the bars go."""
        self._bars.stop()

    def __call__(self, progress: PartProgress, /) -> None:
        match progress:
            case Downloading(what, finished, files, received, size):
                detail = f"{finished} of {files} files, {received / MEGABYTE:.0f} MB"
                if size:
                    detail += f" of {size / MEGABYTE:.0f} MB"
                self._bars.update(self._task(f"Downloading {what}"), completed=finished, total=files, detail=detail)
            case Starting(part, doing):
                self._console.print(f"  {part} {doing} …", style="dim")
            case Ready(part, address, seconds):
                self._console.print(f"  {part} is up at {address} after {seconds:.1f} s", style="dim")

    def _task(self, what: str) -> TaskID:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=None, detail="")
        return self._tasks[what]


class JobDisplay(_Display):
    """A bar per stage of one job."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("  {task.description:<10}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("[yellow]{task.fields[note]}"),
        )
        super().__init__(Progress(*columns, console=console))
        self._tasks = {str(stage): self._bars.add_task(str(stage), total=100, start=False, note="") for stage in STAGES}

    def show(self, status: Status) -> None:
        """Brings the bars to what the status says."""
        waiting = status["waiting_for"]
        for stage, task in self._tasks.items():
            done = status["stages"][stage]
            if stage in status["timings"]:
                self._bars.start_task(task)
            note = f"waiting for {waiting['on']}: {waiting['reason']}" if waiting and stage == status["stage"] else ""
            self._bars.update(task, completed=done, note=note)
            if done == 100:
                self._bars.stop_task(task)

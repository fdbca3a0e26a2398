"""Running a command: to its exit status, in good order, whatever ends it."""

import asyncio
import logging
import shlex
import shutil
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from keyframe import INTERRUPTED
from keyframe.embedded.settings import StackSettings
from runtime.settings import CommonSettings
from runtime.telemetry import configure_logs

console = Console()
complaints = Console(stderr=True)

Data = Annotated[Path | None, typer.Option(help="The folder that everything is kept in. [default: data]")]


def settings_of(data: Path | None) -> StackSettings:
    """The embedded stack's settings, with the folder that the command line names if it names one."""
    return StackSettings() if data is None else StackSettings(data=data)


def command_line(*arguments: str) -> str:
    """A command of ours as the user can type it, by whatever name this one was started."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return shlex.join([sys.executable, "-m", "keyframe", *arguments])
    on_path = shutil.which("keyframe")
    if on_path is not None and Path(on_path).absolute() == program.absolute():
        return shlex.join(["keyframe", *arguments])
    return shlex.join([str(program), *arguments])


def run(command: Coroutine[Any, Any, int]) -> None:
    """Runs a command to its exit status; Ctrl-C, SIGTERM and a closed terminal end it in good order."""
    configure_logs(CommonSettings(log_format="text", log_level="warning"))
    # A broker that has just been made is not ready for groups at once, and aiokafka calls each try an error.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        status = asyncio.run(_terminable(command))
    except (KeyboardInterrupt, asyncio.CancelledError):
        complaints.print("Stopped.")
        status = INTERRUPTED
    sys.exit(status)


async def _terminable(command: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(command)

    def stop() -> None:
        if not task.cancelling():  # once: a second one would break off the good order
            task.cancel()
            complaints.print("Stopping …")

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    return await task

"""One video, from the order to the file, with its progress on the terminal."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from keyframe.client import Client, GatewayError, Order, Status
from keyframe.display import JobDisplay
from schemas.media import MAX_PROMPT_CHARACTERS
from services.gateway.requests import GenerateRequest

MAX_NAME = 60


@dataclass(frozen=True)
class Film:
    """A video that was made and saved."""

    job_id: str
    title: str
    voice: str
    language: str
    path: Path

    def show(self, console: Console) -> None:
        """Ends a command with it."""
        console.print(f"[bold]{escape(self.title)}[/]")
        console.print(f"[bold green]Your video:[/] {escape(str(self.path))}", soft_wrap=True)


def telling(wanted: Order, source: Path | None) -> Order:
    """An order that tells a text; without a prompt the text's first line stands for one.

    Raises:
        GatewayError: the source cannot be read as text.
    """
    if source is None:
        return wanted
    text = _read(source)
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return replace(wanted, prompt=wanted.prompt or first_line[:MAX_PROMPT_CHARACTERS], source_text=text)


def check(wanted: Order) -> None:
    """Looks at an order as the gateway will, before anything is started for it.

    Raises:
        GatewayError: it would be refused.
    """
    try:
        GenerateRequest.model_validate(wanted.body())
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
        raise GatewayError("; ".join(wrong)) from None


def _read(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise GatewayError(f"{source} is not a text file in UTF-8.") from None
    except OSError as error:
        raise GatewayError(f"{source} cannot be read: {error.strerror}.") from None


async def make_film(client: Client, wanted: Order, out: Path, console: Console) -> Film:
    """Orders the video, shows its progress and saves it.

    Raises:
        GatewayError: the order was refused, the job failed, or the file cannot be saved.
    """
    prepare(out)
    return await watch_film(client, await client.generate(wanted), out, console)


def prepare(out: Path) -> None:
    """Makes the folder that a video is to be saved to. Raises `GatewayError`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GatewayError(f"{out} cannot be written: {error.strerror}.") from None


async def watch_film(client: Client, job_id: str, out: Path, console: Console, revision: int = 1) -> Film:
    """Shows the progress of a job's revision, and saves its video.

    Raises:
        GatewayError: the job failed, or the file cannot be saved.
    """
    status: Status = {}
    with JobDisplay(console) as display:
        async for status in client.follow(job_id, revision):
            if status["revision"] >= revision:
                display.show(status)
    if status["status"] != "completed":
        raise GatewayError(failure(status))
    number = f"-{status['revision']}" if status["revision"] > 1 else ""
    target = out.absolute() / f"{_name(status['title'])}-{job_id[:8]}{number}.mp4"
    await client.download(status["video_url"], target)
    return Film(job_id, status["title"], status["voice"], status["language"], target)


def failure(status: Status) -> str:
    """Why there is no video."""
    error = status["error"]
    if error is None:
        return f"The job was {status['status']}."
    return f"The {error['stage']} stage gave up: {error['message']}"


def _name(title: str) -> str:
    """A file name from a title: its words in ASCII."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:MAX_NAME].strip("-") or "video"

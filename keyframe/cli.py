"""`keyframe`: the whole of KeyFrame from the shell."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from keyframe import VERSION
from keyframe.client import Client, GatewayError, Order
from keyframe.commands import dead_letters
from keyframe.commands.cancel import cancel
from keyframe.commands.replay import replay, retelling
from keyframe.commands.topics import topics
from keyframe.commands.view import view
from keyframe.display import PartsDisplay
from keyframe.doctor import examine
from keyframe.embedded.errors import EmbeddedError
from keyframe.embedded.settings import StackSettings
from keyframe.film import check, make_film, telling
from keyframe.running import Data, complaints, console, run, settings_of
from keyframe.stack import Stack, running_stack
from runtime.errors import StageError
from runtime.http import AddressTaken
from runtime.settings import CommonSettings, InvalidSetting
from runtime.telemetry import configure_logs
from schemas.media import AspectRatio

app = typer.Typer(
    pretty_exceptions_show_locals=False,
    help="A prompt and a style go in; a narrated, captioned video comes out.",
    no_args_is_help=True,
)

DEMO_PROMPT = "Why coral reefs matter"
PROBLEMS_SECONDS = 5.0
"""Between two looks at the stages' readiness."""

FORESEEN = (EmbeddedError, AddressTaken, GatewayError, StageError, InvalidSetting)
"""What may go wrong without anyone's mistake in the code; the message is all that the user needs."""

Prompt = Annotated[str, typer.Argument(help="What the video is about.", show_default=False)]
Style = Annotated[str, typer.Option(help="Educational, Storytelling or Meme.")]
Voice = Annotated[str | None, typer.Option(help="A voice; GET /api/v1/voices lists them.")]
Aspect = Annotated[AspectRatio | None, typer.Option(help="The shape of the picture.")]
Scenes = Annotated[int | None, typer.Option(min=3, max=20, help="How many keyframes.")]
Seconds = Annotated[int | None, typer.Option(min=15, max=180, help="How long the narration should be.")]
Source = Annotated[Path | None, typer.Option(help="A text file to tell, instead of what the writer knows.")]
Out = Annotated[Path, typer.Option(help="The folder that the MP4 is saved to.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="The gateway's port. [default: 3000]")]


@app.command()
def up(port: Port = None, data: Data = None) -> None:
    """Run all six services here, until Ctrl-C."""
    run(_up(port, settings_of(data)))


@app.command()
def demo(
    prompt: Annotated[str, typer.Argument(help="What the video is about.")] = "",
    style: Style = "Educational",
    voice: Voice = None,
    aspect: Aspect = None,
    scenes: Scenes = None,
    seconds: Seconds = None,
    source: Source = None,
    out: Out = Path("out"),
    port: Port = None,
    data: Data = None,
) -> None:
    """Run everything here, make one video, and end with its path."""
    asked = prompt or ("" if source else DEMO_PROMPT)
    wanted = telling(Order(asked, style, aspect, voice, scene_count=scenes, target_seconds=seconds), source)
    check(wanted)
    run(_demo(wanted, out, port, data))


@app.command()
def generate(
    prompt: Prompt,
    style: Style = "Educational",
    voice: Voice = None,
    aspect: Aspect = None,
    scenes: Scenes = None,
    seconds: Seconds = None,
    source: Source = None,
    out: Out = Path("out"),
    url: Annotated[str, typer.Option(help="The gateway's address.")] = "http://127.0.0.1:3000",
    token: Annotated[str | None, typer.Option(envvar="KEYFRAME_API_TOKEN", help="The gateway's bearer token.")] = None,
) -> None:
    """Make a video with a gateway that runs already."""
    wanted = telling(Order(prompt, style, aspect, voice, scene_count=scenes, target_seconds=seconds), source)
    run(_generate(wanted, out, url, token))


@app.command()
def doctor(data: Data = None) -> None:
    """Start and use every part once, and say what to do where one fails."""
    run(examine(console, settings_of(data)))


app.command()(replay)
app.command()(cancel)
app.add_typer(dead_letters.app, name="dlq")
app.command()(topics)
app.add_typer(view, name="view")


@app.command()
def version() -> None:
    """Say which KeyFrame this is."""
    console.print(VERSION)


async def _up(port: int | None, settings: StackSettings) -> int:
    with PartsDisplay(console) as report:
        async with running_stack(settings, port, report) as stack:
            report.stop()
            _log_to(stack.log_file)
            console.print(
                f"KeyFrame is up: [bold]{stack.address}/[/] (its API: {stack.address}/docs). Ctrl-C stops it."
            )
            await stack.unless_ended(_tell_problems(stack))
    return 0


async def _tell_problems(stack: Stack) -> NoReturn:
    """Says what keeps a stage from its work, once each: a wrong key is to be seen where the stack was started."""
    told: set[str] = set()
    while True:
        await asyncio.sleep(PROBLEMS_SECONDS)
        for problem in stack.health.problems():
            if problem not in told:
                told.add(problem)
                complaints.print(f"[yellow]{escape(problem)}[/]", soft_wrap=True)


async def _demo(wanted: Order, out: Path, port: int | None, data: Path | None) -> int:
    settings = settings_of(data)
    with PartsDisplay(console) as report:
        async with running_stack(settings, port, report) as stack, Client(stack.address, stack.token) as client:
            report.stop()
            _log_to(stack.log_file)
            film = await stack.unless_ended(make_film(client, wanted, out, console))
            again = await retelling(client, film, data)
    film.show(console)
    console.print(f"On the page: `keyframe up`, then {stack.address}/#/job/{film.job_id}", soft_wrap=True)
    if again is not None:
        console.print(f"The same pictures by another voice: {escape(again)}", soft_wrap=True, highlight=False)
    return 0


async def _generate(wanted: Order, out: Path, url: str, token: str | None) -> int:
    async with Client(url, token) as client:
        (await make_film(client, wanted, out, console)).show(console)
    return 0


def _log_to(file: Path) -> None:
    """The terminal is for progress; what the services have to say goes to a file from now on."""
    configure_logs(CommonSettings(), file.open("a", encoding="utf-8", buffering=1))


def main() -> None:
    """The command itself; what was foreseen ends it with one sentence."""
    try:
        app()
    except FORESEEN as error:
        hint = ": choose another with --port or KEYFRAME_GATEWAY_PORT" if isinstance(error, AddressTaken) else ""
        complaints.print(f"[red]{escape(str(error))}{hint}[/]", soft_wrap=True)
        sys.exit(1)

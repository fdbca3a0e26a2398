"""A browser, and a page of it that a fake gateway serves."""

import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image, ImageDraw
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from runtime.http import serving
from tests.e2e.fake_gateway import FakeGateway

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
PROMPT = "How lighthouses found their lenses"
# Promises that the page keeps: Playwright's own waiting would need eval, which the policy forbids.
PLAY = """async video => {
    await video.play();
    await new Promise(done => video.addEventListener("timeupdate", () => video.currentTime > 0.3 && done()));
    return video.readyState;
}"""
COLOURS = ("#2f6f8f", "#8f4a2f", "#3f7a4f")


@dataclass
class Visit:
    """A browser of its own on a page, and what it complained of."""

    address: str
    context: BrowserContext
    complaints: list[str] = field(default_factory=list[str])

    async def open(self, fragment: str = "#/") -> Page:
        """A tab with the page at a fragment."""
        page = await self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(f"{self.address}/{fragment}")
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # Chromium logs every refused or lost request; that these are met is what the tests look at.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)


@dataclass(kw_only=True)
class Site(Visit):
    """A visit to a page that a fake gateway serves."""

    gateway: FakeGateway


@asynccontextmanager
async def visited(browser: Browser) -> AsyncGenerator[BrowserContext]:
    """A browser without a past."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    await context.close()


async def submit(page: Page, prompt: str = PROMPT) -> None:
    """Sends the form by the keyboard alone."""
    await page.get_by_label("What should it be about?").fill(prompt)
    await page.keyboard.press("Enter")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium, as the system has it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI tests the page: install chromium")
        pytest.skip("the page is tested in Chromium, and there is none (apt-get install chromium)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real video of three seconds, its captions and three pictures."""
    folder = tmp_path_factory.mktemp("files")
    _make_video(folder / "video.mp4")
    (folder / "captions.vtt").write_text(
        "WEBVTT\n\n00:00.000 --> 00:01.000\nA light\n\n00:01.000 --> 00:03.000\nfar out\n"
    )
    (folder / "captions.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nA light\n")
    for number, colour in enumerate(COLOURS, start=1):
        picture = Image.new("RGB", (448, 256), colour)
        ImageDraw.Draw(picture).ellipse((100 * number - 60, 40, 100 * number + 60, 160), fill="#f4e3b2")
        picture.save(folder / f"{number}.png")
    return folder


def _make_video(path: Path) -> None:
    sources = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-f", "lavfi", "-i", "sine=440:r=48000"]
    codecs = ["-t", "3", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"]
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, *codecs, str(path)]
    subprocess.run(argv, check=True, timeout=60)


@pytest.fixture
def gateway(files: Path) -> FakeGateway:
    """A gateway without jobs."""
    return FakeGateway(files)


@pytest.fixture
async def site(browser: Browser, gateway: FakeGateway) -> AsyncIterator[Site]:
    """The page on the fake gateway; fails a test in which the browser had anything to complain of."""
    async with serving(gateway.app(), "127.0.0.1", 0) as address, visited(browser) as context:
        site = Site(address, context, gateway=gateway)
        yield site
    assert site.complaints == []

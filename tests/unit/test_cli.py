"""The command line: what was foreseen is one sentence and a status, before anything is started."""

import asyncio
import sys
from pathlib import Path

import pytest

from keyframe.cli import main
from keyframe.embedded.report import silent
from keyframe.embedded.settings import StackSettings
from keyframe.stack import running_stack
from runtime.settings import InvalidSetting


def complaint(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What `keyframe ARGUMENTS` says when it fails."""
    monkeypatch.setattr(sys, "argv", ["keyframe", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert said.out == ""
    return said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["demo", "--style", "Noir"], "style: no such style; choose Educational, Storytelling, Meme\n"),
        (["demo", "--voice", "hal"], "voice: no such voice; choose "),
        (["demo", " "], "prompt: it is empty\n"),
        (["demo", "x" * 2001], "prompt: at most 2000 characters, and these are 2001\n"),
        (["demo", "--source", "none.txt"], "none.txt cannot be read: No such file or directory.\n"),
        (["generate", "x", "--source", "."], ". cannot be read: Is a directory.\n"),
    ],
)
def test_an_order_that_cannot_be_met_is_refused_at_once(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint(arguments, monkeypatch, capsys).startswith(says)
    assert not list(tmp_path.iterdir())


def test_a_source_without_words_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = tmp_path / "empty.txt"
    source.write_text("\n \n")
    said = complaint(["demo", "--source", str(source)], monkeypatch, capsys)
    assert said == "prompt: it is empty; source_text: it is empty\n"


async def test_a_wrong_setting_is_named_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KEYFRAME_GATEWAY_PORT", "port")
    data = tmp_path / "data"
    with pytest.raises(InvalidSetting, match="KEYFRAME_GATEWAY_PORT: "):
        async with running_stack(StackSettings(data=data), None, silent):
            pytest.fail("it runs")
    assert not await asyncio.to_thread(data.exists)

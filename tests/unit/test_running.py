"""Commands as the user can type them."""

import sys
from pathlib import Path

import pytest

from keyframe.running import command_line


@pytest.mark.parametrize(
    ("started", "on_path", "typed"),
    [
        (".venv/bin/keyframe", False, ".venv/bin/keyframe replay --set 'title=a b'"),
        ("{folder}/keyframe", True, "keyframe replay --set 'title=a b'"),
        (".venv/bin/keyframe", True, ".venv/bin/keyframe replay --set 'title=a b'"),
        ("/somewhere/keyframe/__main__.py", True, f"{sys.executable} -m keyframe replay --set 'title=a b'"),
    ],
)
def test_a_command_is_named_as_this_one_was_started(
    started: str, on_path: bool, typed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "keyframe"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) if on_path else "")
    monkeypatch.setattr(sys, "argv", [started.format(folder=tmp_path)])
    assert command_line("replay", "--set", "title=a b") == typed

"""`make demo`: what the user writes reaches the program unharmed and is run by nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PROMPT = """a "quoted" 'word' for $5, $HOME ${HOME} $$ $(shell echo run) `echo run` $(echo run) ; #1 \\n 5% é 😀 (,"""


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment that make takes for finished, whose `keyframe` writes its arguments down."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    program = venv / "bin" / "keyframe"
    arguments = tmp_path / "arguments"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open({str(arguments)!r}, 'w'))\n"
    )
    program.chmod(0o755)
    for made in ("bin/uv", "run"):
        (venv / made).touch()
    return venv


def demo(venv: Path, *variables: str, **environment: str) -> list[str]:
    """The arguments that `make demo` gives to the program."""
    argv = ["make", "demo", f"VENV={venv}", *variables]
    subprocess.run(argv, cwd=PROJECT, env={"PATH": os.environ["PATH"], **environment}, check=True)
    return json.loads((venv.parent / "arguments").read_text())


def test_the_words_of_the_command_line(venv: Path) -> None:
    assert demo(venv, f"PROMPT={PROMPT}", "STYLE=$(shell echo Meme)") == [
        "demo",
        "--style=$(shell echo Meme)",
        "--",
        PROMPT,
    ]


def test_the_words_of_the_environment(venv: Path) -> None:
    assert demo(venv, PROMPT=PROMPT) == ["demo", "--", PROMPT]


def test_a_prompt_is_never_an_option(venv: Path) -> None:
    assert demo(venv, "PROMPT=--help") == ["demo", "--", "--help"]


def test_nothing_said_is_nothing_given(venv: Path) -> None:
    assert demo(venv, PROMPT="", STYLE="") == ["demo"]

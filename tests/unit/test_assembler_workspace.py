"""Private folders for renders."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.errors import Unavailable
from services.assembler.workspace import workspace

LEFT_BEHIND = """
import os, signal, sys
from pathlib import Path
from services.assembler.workspace import workspace
with workspace(Path(sys.argv[1])) as folder:
    (folder / "frames").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with workspace(tmp_path / "new") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.is_absolute()
        (folder / "file").touch()
    assert list((tmp_path / "new").iterdir()) == []


def test_two_renders_do_not_disturb_each_other(tmp_path: Path) -> None:
    with workspace(tmp_path) as one, workspace(tmp_path) as two:
        assert one != two
        assert one.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", LEFT_BEHIND, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "frames").exists()
    with workspace(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_somebody_elses_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    with workspace(tmp_path):
        pass
    assert (tmp_path / "theirs").exists()


def test_a_parent_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable) as refusal, workspace(tmp_path / "file"):
        pass
    assert refusal.value.on == "scratch disk"

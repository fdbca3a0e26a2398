"""A file is there whole or not at all."""

from pathlib import Path
from typing import BinaryIO

import pytest

from runtime import durable_files


def broken(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError("the disk is away")


def whole(file: BinaryIO) -> None:
    file.write(b"whole")


@pytest.mark.parametrize("place", [durable_files.replace, durable_files.claim])
def test_a_write_that_fails_leaves_nothing(tmp_path: Path, place: durable_files.Place) -> None:
    path, unfinished = tmp_path / "a" / "b", tmp_path / "unfinished"
    with pytest.raises(OSError, match="away"):
        durable_files.write(path, broken, place, unfinished_in=unfinished)
    assert not path.exists()
    assert list(unfinished.iterdir()) == []


def test_a_write_that_fails_leaves_the_older_file(tmp_path: Path) -> None:
    path, unfinished = tmp_path / "a", tmp_path / "unfinished"
    durable_files.write(path, whole, durable_files.replace, unfinished_in=unfinished)
    with pytest.raises(OSError, match="away"):
        durable_files.write(path, broken, durable_files.replace, unfinished_in=unfinished)
    assert path.read_bytes() == b"whole"


def test_a_name_is_claimed_once(tmp_path: Path) -> None:
    path, unfinished = tmp_path / "a", tmp_path / "unfinished"
    assert durable_files.write(path, whole, durable_files.claim, unfinished_in=unfinished)
    assert not durable_files.write(
        path, lambda file: file.write(b"other"), durable_files.claim, unfinished_in=unfinished
    )
    assert path.read_bytes() == b"whole"
    assert list(unfinished.iterdir()) == []


def test_removing_takes_the_folders_that_it_empties(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/d"):
        durable_files.write(tmp_path / name, whole, durable_files.replace, unfinished_in=tmp_path / "unfinished")
    durable_files.remove(tmp_path / "a/b/c", tmp_path)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["d"]
    durable_files.remove(tmp_path / "a/d", tmp_path)
    assert not (tmp_path / "a").exists()
    durable_files.remove(tmp_path / "a/d", tmp_path)
    assert tmp_path.exists()

"""requirements/*.lock: what an image installs is what requirements.lock pins."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LOCKS = sorted((PROJECT / "requirements").glob("*.lock"))
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


def pins(lock: Path) -> dict[str, str]:
    """Each locked requirement with its hashes, by name, version and marker."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    found = re.findall(r"^(\S+==[^\\\n]+) \\\n((?:\s+--hash=\S+(?: \\)?\n)+)", text, flags=re.MULTILINE)
    return {requirement.split(" ;")[0].strip(): hashes for requirement, hashes in found}


def test_every_extra_of_a_service_has_one() -> None:
    extras = {name for name, wanted in DECLARED["optional-dependencies"].items() if wanted and name != "stack"}
    assert {lock.stem for lock in LOCKS} == {"base", *extras}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_it_is_a_part_of_the_whole_lock(lock: Path) -> None:
    whole, part = pins(PROJECT / "requirements.lock"), pins(lock)
    assert part
    assert part.items() <= whole.items()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_it_has_what_the_project_declares(lock: Path) -> None:
    wanted = [*DECLARED["dependencies"], *DECLARED["optional-dependencies"].get(lock.stem, [])]
    names = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in wanted}  # type: ignore[index]
    assert names <= {pin.split("==")[0].split("[")[0] for pin in pins(lock)}

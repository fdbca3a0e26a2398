"""Programs beside us: they end with us, and after a kill -9 the right ones are found."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from keyframe.embedded.errors import FolderInUse, PartFailed, PortTaken
from keyframe.embedded.folder import DataFolder
from keyframe.embedded.process import Program, Supervised
from keyframe.embedded.record import Record, start_of
from tests.waiting import until

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"
STOPS = (signal.SIGTERM,)


def program(folder: Path, code: str) -> Program:
    """Python that runs `code`."""
    record = Record(folder / "sample.json")
    return Program("Sample", [sys.executable, "-c", code], folder, folder / "sample.log", record, STOPS)


async def python(code: str) -> asyncio.subprocess.Process:
    """Python that runs `code` and is nobody's but the test's."""
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)


async def first_line(process: asyncio.subprocess.Process) -> bytes:
    """What it writes first."""
    assert process.stdout is not None
    return await process.stdout.readline()


async def test_a_program_stops_and_is_off_the_record(tmp_path: Path) -> None:
    running = await Supervised.start(program(tmp_path, SLEEP))
    assert json.loads((tmp_path / "sample.json").read_text()) == {"pid": running.pid, "started": start_of(running.pid)}
    await running.stop()
    assert start_of(running.pid) is None
    assert not (tmp_path / "sample.json").exists()


async def test_a_stop_that_is_cancelled_kills(tmp_path: Path) -> None:
    running = await Supervised.start(program(tmp_path, DEAF))
    await running.until(lambda: "deaf" in running.output(), 30)
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0)  # it has asked, and waits
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert start_of(running.pid) is None


async def test_a_program_that_ends_at_its_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    running = await Supervised.start(program(tmp_path, "import sys; sys.exit('no such disk')"))
    with pytest.raises(PartFailed, match=r"Sample ended at its start with status 1.*sample\.log:\nno such disk"):
        await running.until(lambda: False, 30)


async def test_a_port_that_is_taken_is_an_error_of_its_own(tmp_path: Path) -> None:
    running = await Supervised.start(program(tmp_path, "import sys; sys.exit('bind: Address already in use')"))
    with pytest.raises(PortTaken):
        await running.until(lambda: False, 30)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_a_program_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = await python(f"""
import asyncio, pathlib
from tests.unit.test_embedded_processes import SLEEP, Supervised, program

async def main():
    print((await Supervised.start(program(pathlib.Path({str(tmp_path)!r}), SLEEP))).pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
""")
    child = int(await first_line(parent))
    assert start_of(child)
    parent.kill()
    await parent.wait()
    await until(lambda: start_of(child) is None)


async def test_what_is_on_record_is_ended(tmp_path: Path) -> None:
    left = await python(DEAF)
    await first_line(left)
    Record(tmp_path / "record.json").write(left.pid)
    await Record(tmp_path / "record.json").end(STOPS, grace=0.2)
    assert await left.wait() == -signal.SIGKILL
    assert not (tmp_path / "record.json").exists()


async def test_another_process_with_the_same_id_is_spared(tmp_path: Path) -> None:
    other = await python(SLEEP)
    (tmp_path / "record.json").write_text(json.dumps({"pid": other.pid, "started": "long ago"}))
    await Record(tmp_path / "record.json").end(STOPS, grace=0.2)
    assert start_of(other.pid)
    other.kill()
    await other.wait()
    assert not (tmp_path / "record.json").exists()


@pytest.mark.parametrize("noted", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1, "started": null}'])
async def test_a_record_that_says_nothing_ends_nothing(tmp_path: Path, noted: str) -> None:
    (tmp_path / "record.json").write_text(noted)
    await Record(tmp_path / "record.json").end(STOPS, grace=0.2)
    assert not (tmp_path / "record.json").exists()


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    refused = pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}.*KEYFRAME_DATA")
    with data.held(), refused, data.held():
        pass
    with data.held():
        assert data.objects.is_dir()

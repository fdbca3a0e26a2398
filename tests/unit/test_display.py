"""What the terminal shows of a job."""

import re
from io import StringIO

from rich.console import Console

from keyframe.display import JobDisplay


def test_each_stage_has_its_own_bar_and_the_one_that_waits_says_for_whom() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=120)
    with JobDisplay(console) as display:
        display.show(
            {
                "stage": "images",
                "stages": {"script": 100, "images": 40, "voice": 0, "assembler": 0, "storage": 0},
                "timings": {"script": {}, "images": {}},
                "waiting_for": {"on": "nebius", "reason": "it limits us"},
            }
        )
    assert isinstance(console.file, StringIO)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue()).splitlines()[-5:]
    assert [re.findall(r"(\w+) .*?(\d+) %", line)[0] for line in shown] == [
        ("script", "100"),
        ("images", "40"),
        ("voice", "0"),
        ("assembler", "0"),
        ("storage", "0"),
    ]
    assert [line for line in shown if "waiting for nebius: it limits us" in line] == [shown[1]]

"""A process that holds the embedded parts until it is stopped: `python -m tests.parts.holder DATA_FOLDER CACHE`.

It prints a JSON line for each progress as it comes, then one with the addresses, and ends on SIGINT as the command
line does.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

from keyframe.embedded.report import Progress
from keyframe.embedded.settings import StackSettings
from keyframe.embedded.stack import embedded_parts


def say(**line: object) -> None:
    """One line for the test that reads us."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def report(progress: Progress) -> None:
    """Says that something happened."""
    say(progress=type(progress).__name__)


async def main(data: str, cache: str) -> None:
    """Holds the parts."""
    async with embedded_parts(StackSettings(data=Path(data), cache=Path(cache)), report) as parts:
        say(kafka=parts.kafka.bootstrap, postgres=parts.postgres_dsn)
        await parts.ended()


if __name__ == "__main__":
    # Whoever runs the tests in the background of a script has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(main(*sys.argv[1:]))

"""Structured logs: one line an event, with the job, the stage and the trace it belongs to."""

import logging
import math
import sys
import time
from collections.abc import Callable
from typing import TextIO

import structlog

from runtime.settings import CommonSettings

SPARING_SECONDS = 30.0
"""A library that says the same again is heard this often."""

MOST_SAYINGS = 1_000
"""Different messages that are remembered."""


class Sparing(logging.Filter):
    """Lets the same message of a library through once in a while, with `left_out`, how many there were in between.

    Kafka's client complains some ten times a second, from each of its connections, of a broker that is away.

    Args:
        seconds: between two that are let through.
        clock: seconds from any start.
    """

    def __init__(self, seconds: float = SPARING_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._clock = seconds, clock
        self._told: dict[tuple[str, int, object], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is let through."""
        if len(self._told) >= MOST_SAYINGS:
            self._told.clear()
        saying, now = (record.name, record.levelno, record.msg), self._clock()
        at, left_out = self._told.get(saying, (-math.inf, 0))
        is_heard = now - at >= self._seconds
        self._told[saying] = (now, 0) if is_heard else (at, left_out + 1)
        if is_heard and left_out:
            record.left_out = left_out
        return is_heard


def configure_logs(settings: CommonSettings, stream: TextIO = sys.stderr) -> None:
    """From now on log lines go to a stream, as JSON for machines or as text for people; those of libraries, too."""
    common: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty()),
    ]
    handler = logging.StreamHandler(stream)
    handler.addFilter(Sparing())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=["left_out"]),
                *common,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for chatty in ("httpx", "httpx2"):  # they log addresses, and a signed address is a key
        logging.getLogger(chatty).setLevel(logging.WARNING)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *common, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )

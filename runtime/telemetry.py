"""Structured logs: one line an event, with the job, the stage and the trace it belongs to."""

import logging
import sys
from typing import TextIO

import structlog

from runtime.settings import CommonSettings


def configure_logs(settings: CommonSettings, stream: TextIO = sys.stderr) -> None:
    """From now on log lines go to a stream, as JSON for machines or as text for people."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(asctime)s %(name)s %(message)s", force=True)
    for chatty in ("httpx", "httpx2"):  # they log addresses, and a signed address is a key
        logging.getLogger(chatty).setLevel(logging.WARNING)
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )

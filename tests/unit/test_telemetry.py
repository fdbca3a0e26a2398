"""What comes out of a service as its log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from runtime.settings import CommonSettings
from runtime.telemetry import Sparing, configure_logs

COMPLAINT = "Unable connect to node with id %s: %s"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level, configured = list(logger.handlers), logger.level, structlog.get_config()
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)
    structlog.configure(**configured)


def test_each_line_is_json_whoever_says_it(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logs(CommonSettings(log_format="json"), stream)

    structlog.get_logger("gateway").info("ready", port=3000)
    logging.getLogger("aiokafka").warning(COMPLAINT, 0, "closed")
    try:
        int("odd")
    except ValueError:
        logging.getLogger("asyncio").exception("a task failed")

    ours, library, failure = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["port"]) == ("ready", "info", 3000)
    assert library["event"] == "Unable connect to node with id 0: closed"
    assert (library["level"], library["logger"]) == ("warning", "aiokafka")
    assert "ValueError: invalid literal" in failure["exception"]
    assert all(line["timestamp"] for line in (ours, library, failure))


def test_text_is_for_people(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logs(CommonSettings(log_format="text"), stream)

    logging.getLogger("aiokafka").warning(COMPLAINT, 0, "closed")

    [line] = stream.getvalue().splitlines()
    assert "Unable connect to node with id 0: closed" in line
    assert "aiokafka" in line


def test_a_library_that_says_the_same_again_is_heard_now_and_then() -> None:
    now = 0.0
    sparing = Sparing(seconds=30, clock=lambda: now)

    def said(message: str, *arguments: object, name: str = "aiokafka") -> logging.LogRecord | None:
        record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, arguments, None)
        return record if sparing.filter(record) else None

    first = said(COMPLAINT, 0, "closed")
    assert first is not None
    assert not hasattr(first, "left_out")
    assert [said(COMPLAINT, node, "refused") for node in range(3)] == [None] * 3
    assert said("Heartbeat failed") is not None
    assert said(COMPLAINT, 0, "closed", name="another") is not None

    now = 30.0
    again = said(COMPLAINT, 0, "closed")
    assert again is not None
    assert again.__dict__["left_out"] == 3
    assert said(COMPLAINT, 0, "closed") is None

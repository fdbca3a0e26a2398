"""What every test can use."""

import os
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.parts.plugin", "tests.parts.s3"]

SCRUBBED = ("KEYFRAME_", "S3_", "R2_", "AWS_", "OPENAI_", "NEBIUS_", "POLLY_", "OTEL_", "FFMPEG_PATH")
KEPT = ("KEYFRAME_KAFKA_BOOTSTRAP", "KEYFRAME_POSTGRES_DSN", "AWS_CA_BUNDLE")


@pytest.fixture(scope="session", autouse=True)
def scrubbed_environment() -> Iterator[None]:
    """No test sees the settings of the person who runs it, neither in the environment nor in `.env`."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(SCRUBBED) and name not in KEPT:
            del os.environ[name]
    os.environ["KEYFRAME_ENV_FILE"] = os.devnull
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log lines without colours and pretty tracebacks, which cost more than the tests."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )

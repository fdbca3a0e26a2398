"""Parking: a record that a stage gave up on keeps its bytes and headers, with what went wrong beside them."""

from dataclasses import dataclass

from runtime.records import Record
from schemas.costs import StageCost

HEADER = "keyframe_"
"""What our headers on a parked record begin with; everything else is as it came."""

MAX_REASON = 500
"""Characters of the reason that travel in a header."""


@dataclass(frozen=True)
class Failure:
    """Why a stage gave up on a record."""

    code: str
    """`permanent`, `exhausted`, `unavailable`, `undecodable` or `crashed`."""
    reason: str
    attempts: int
    costs: tuple[StageCost, ...] = ()


def redrives_of(record: Record) -> int:
    """How often a record was taken out of a dead-letter queue, as far as its headers can be read; 0 where not."""
    texts = [(raw or b"").decode("utf-8", "replace") for name, raw in record.headers if name == "ce_redrives"]
    return int(texts[-1]) if texts and texts[-1].isascii() and texts[-1].isdigit() and len(texts[-1]) < 10 else 0


def parked_headers(record: Record, stage: str, failure: Failure) -> dict[str, str]:
    """The headers of the parked record: those it came with, and why and from where it was parked.

    A header's null value and bytes that are not UTF-8 cannot travel as text; they are kept in
    hexadecimal under `keyframe_raw_<name>`.
    """
    headers: dict[str, str] = {}
    for name, raw in record.headers:
        try:
            headers[name] = (raw or b"").decode()
        except UnicodeDecodeError:
            headers[f"{HEADER}raw_{name}"] = (raw or b"").hex()
    ours = {
        "stage": stage,
        "code": failure.code,
        "reason": failure.reason[:MAX_REASON],
        "attempts": str(failure.attempts),
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp),
    }
    if record.value is None:
        ours["null_value"] = "true"
    return headers | {f"{HEADER}{name}": text for name, text in ours.items()}

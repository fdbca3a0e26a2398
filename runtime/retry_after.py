"""When somebody who turned us away wants to be asked again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runtime.clock import utc_now

LONGEST = 86_400.0
"""Seconds; what asks for more than a day is a mistake."""


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date (RFC 9110, 10.2.3), or None.

    A date is read by the sender's own clock where the answer has a `Date`.

    Args:
        headers: of the answer; names in any case.
        now: our own clock, for an answer without a date.
    """
    plain = {name.lower(): value.strip() for name, value in headers.items()}
    asked = plain.get("retry-after", "")
    try:
        seconds = float(asked)
    except ValueError:
        then = _date(asked)
        if then is None:
            return None
        seconds = max(0.0, (then - (_date(plain.get("date", "")) or now or utc_now())).total_seconds())
    return min(seconds, LONGEST) if 0 <= seconds < float("inf") else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)

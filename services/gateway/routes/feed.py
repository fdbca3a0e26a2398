"""GET /api/v1/feed"""

import base64
import re
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from schemas.options import styles
from services.gateway.answers import feed_item
from services.gateway.ports import Place
from services.gateway.problems import FieldError, documented, unprocessable
from services.gateway.responses import Feed
from services.gateway.routes.shared import Gateway, readable

router = APIRouter()

_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,120}")


@readable(router, "/feed", summary="List the newest videos", responses=documented(401, 422, 503))
async def feed(
    gateway: Gateway,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    style: Annotated[str | None, Query(description="Only videos of this style; see /api/v1/styles.")] = None,
) -> Feed:
    """Those that can be watched, the newest first. New ones do not shift the pages."""
    after = _place(cursor) if cursor is not None else None
    jobs = await gateway.view.newest(limit + 1, style=_style(style) if style is not None else None, after=after)
    items = [item for job in jobs[:limit] if (item := feed_item(job, gateway.addresses))]
    more = len(jobs) > limit and items
    return Feed(items=items, next_cursor=_cursor(items[-1].completed_at, items[-1].job_id) if more else None)


def _style(name: str) -> str:
    known = {style.casefold(): style for style in styles()}
    if name.casefold() not in known:
        raise unprocessable(FieldError(detail=f"no such style; choose {', '.join(styles())}", parameter="style"))
    return known[name.casefold()]


def _cursor(completed_at: datetime, job_id: str) -> str:
    return base64.urlsafe_b64encode(f"{completed_at.isoformat()}/{job_id}".encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        if not _CURSOR.fullmatch(cursor):
            raise ValueError(cursor)  # noqa: TRY301
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, _, job_id = base64.urlsafe_b64decode(padded).decode("ascii").partition("/")
        completed_at = datetime.fromisoformat(moment)
        return Place(completed_at.astimezone(UTC), str(UUID(job_id)))
    except (ValueError, OverflowError):
        raise unprocessable(FieldError(detail="not a cursor of this feed", parameter="cursor")) from None

"""POST /api/v1/view/rebuild"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from services.gateway.ports import NoRebuild
from services.gateway.problems import Problem, documented
from services.gateway.rebuild import rebuild
from services.gateway.requests import read_body
from services.gateway.routes.shared import Gateway, body_of
from services.gateway.streams import MEDIA_TYPE, begun, streamed

router = APIRouter(prefix="/view")


class RebuildRequest(BaseModel):
    """Has to be there as JSON, if empty: the page of another site cannot send that without being asked."""

    model_config = ConfigDict(extra="forbid")

    lossy: Annotated[
        StrictBool, Field(description="Also where the log has dropped records: what only they told is lost.")
    ] = False


@router.post(
    "/rebuild",
    summary="Rebuild the status view from the log",
    response_class=Response,
    responses={
        200: {
            "description": "`started`, `progress` again and again, `done`: a JSON object a line.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **documented(400, 401, 409, 413, 415, 422, 503),
    },
    openapi_extra=body_of(RebuildRequest),
)
async def rebuild_view(request: Request, gateway: Gateway) -> Response:
    """Folds the whole log anew beside the view that is read, and swaps them. Whoever hangs up ends it."""
    asked = await read_body(request, RebuildRequest)
    try:
        return streamed(await begun(rebuild(gateway.log, gateway.view, lossy=asked.lossy)))
    except NoRebuild as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from None

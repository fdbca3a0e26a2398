"""GET /videos/{jobId}/...: the files of a job at addresses that never change.

What is asked of the store is a key that an event named: nothing of the request's becomes part of one.
"""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from runtime.objects import MalformedKey, ObjectInfo, ObjectStore, check_key
from schemas.media import MAX_SCENES, File, PublishedFiles
from services.gateway.addresses import FileName
from services.gateway.file_names import ascii_name, disposition, download_name
from services.gateway.problems import Problem, documented
from services.gateway.ranges import Beyond, Part, Validators, extent, is_unchanged
from services.gateway.routes.shared import Gateway, JobId, known_job, readable
from services.gateway.standing import standing

router = APIRouter(prefix="/videos", tags=["files"])

ADDRESS_SECONDS = 6 * 3600
"""How long an address of the store's holds: a viewer may pause."""

CACHED = "private, max-age=60"
"""A replay puts another video at the same address."""

TYPES: Mapping[FileName, str] = {
    FileName.VIDEO: "video/mp4",
    FileName.THUMBNAIL: "image/jpeg",
    FileName.CAPTIONS_VTT: "text/vtt; charset=utf-8",
    FileName.CAPTIONS_SRT: "application/x-subrip; charset=utf-8",
    FileName.MANIFEST: "application/json",
}
PICTURES = ("image/png", "image/jpeg", "image/webp")
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _answers(*types: str) -> dict[int | str, dict[str, Any]]:
    content = dict.fromkeys(types, _BINARY)
    return {
        200: {"description": "The file.", "content": content},
        206: {"description": "The range that was asked for.", "content": content},
        304: {"description": "You have it."},
        307: {"description": "It lies here, for some hours."},
        **documented(404, 416, 422, 503),
    }


@readable(
    router,
    "/{jobId}/{name}",
    summary="Get a published file",
    response_class=Response,
    responses=_answers("video/mp4", "image/jpeg", "text/vtt", "application/x-subrip", "application/json"),
)
async def published_file(
    job_id: JobId,
    name: FileName,
    request: Request,
    gateway: Gateway,
    download: Annotated[bool, Query(description="As an attachment, named after the video.")] = False,
) -> Response:
    """Of the newest revision that was published. Ranges are served, so that seeking works."""
    video = standing(await known_job(gateway, job_id)).video
    if video is None or video.files is None:
        raise Problem(HTTPStatus.NOT_FOUND, "The video is not published.")
    key = _checked(_file(video.files, name).key)
    title = download_name(video.title, PurePath(name).suffix)
    if name is FileName.VIDEO and request.method == "GET":  # only the video weighs enough to send a browser elsewhere
        filename = ascii_name(title) if download else None
        address = await gateway.published.address(key, seconds=ADDRESS_SECONDS, filename=filename)
        if address is not None:
            return RedirectResponse(address, HTTPStatus.TEMPORARY_REDIRECT, {"Cache-Control": "no-store"})
    headers = {"Content-Disposition": disposition("attachment" if download else "inline", title)}
    return await _served(request, gateway.published, key, TYPES[name], headers)


@readable(
    router,
    "/{jobId}/keyframes/{scene}",
    summary="Get a keyframe",
    response_class=Response,
    responses=_answers(*PICTURES),
)
async def keyframe(
    job_id: JobId, scene: Annotated[int, Path(ge=1, le=MAX_SCENES)], request: Request, gateway: Gateway
) -> Response:
    """The picture of a scene (1 is the first), as soon as it is painted."""
    key = standing(await known_job(gateway, job_id)).keyframes.get(scene - 1)
    if key is None:
        raise Problem(HTTPStatus.NOT_FOUND, "This scene is not painted yet.")
    return await _served(request, gateway.artefacts, _checked(key), None, {})


def _checked(key: str) -> str:
    """The key, if it is one. Raises `Problem` (404): what an event names need not be in the store."""
    try:
        check_key(key)
    except MalformedKey:
        raise _gone() from None
    return key


def _gone() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "This file is not there.")


def _file(files: PublishedFiles, name: FileName) -> File:
    return {
        FileName.VIDEO: files.video,
        FileName.THUMBNAIL: files.thumbnail,
        FileName.CAPTIONS_VTT: files.captions_vtt,
        FileName.CAPTIONS_SRT: files.captions_srt,
        FileName.MANIFEST: files.manifest,
    }[name]


async def _served(
    request: Request, store: ObjectStore, key: str, content_type: str | None, headers: dict[str, str]
) -> Response:
    """An object, or the asked range of it; `content_type` None takes a picture's from the store."""
    info = await store.head(key)
    if info is None:
        raise _gone()
    current = Validators.of(info)
    headers |= current.headers() | {"Cache-Control": CACHED, "Accept-Ranges": "bytes"}
    if is_unchanged(request.headers, current):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    match extent(request.headers, info.size, current):
        case Beyond():
            unsatisfied = {"Content-Range": f"bytes */{info.size}"}
            raise Problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The file is shorter.", headers=unsatisfied)
        case Part(start, end):
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
        case _:
            status, start, end = HTTPStatus.OK, 0, info.size
    headers |= {"Content-Length": str(end - start), "Content-Type": content_type or _picture_type(info)}
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(store.stream(key, start, end), status, headers)


def _picture_type(info: ObjectInfo) -> str:
    """What the store calls a picture is shown as one; anything else is bytes, whatever it is called."""
    return info.content_type if info.content_type in PICTURES else "application/octet-stream"

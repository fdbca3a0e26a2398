"""The object store over an S3 server: R2, AWS, or any other that speaks its protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

from boto3.s3.transfer import TransferConfig
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from s3transfer.exceptions import RetriesExceededError

from runtime.errors import Unavailable
from runtime.objects import Delivery, ObjectEntry, ObjectInfo, ObjectMissing, check_key, check_prefix, is_key
from runtime.s3_errors import ON, code, said_by_s3, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef, GetObjectOutputTypeDef

THREADS = 24
"""Calls under way at once."""

CONNECT_SECONDS, READ_SECONDS = 5, 30
CALL_SECONDS = 300.0
"""What a call may take in all, so that a slow drip never holds a stage; a video must get through in it."""

PIECE = 256 * 1024
"""Bytes of a streamed piece."""

PART = 16 * 1024 * 1024
"""Bytes above which a file travels in parts of this size; S3's least is 5 MiB."""

TRANSFER = TransferConfig(
    multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4, num_download_attempts=1
)

_NO_PLACE = ("us-east-1", "auto")
"""Regions in which a bucket is made without naming one."""

Answer = TypeVar("Answer")


def s3_client(
    *,
    endpoint_url: str | None,
    region: str,
    access_key: str | None,
    secret_key: str | None,
    ca_file: Path | None = None,
) -> "S3Client":
    """A client of an S3 server; without an endpoint, of AWS.

    It never retries by itself: how often and how far apart is the runtime's to say.
    """
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=THREADS,
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint_url else "auto"},
        # Not every server knows the checksums that boto3 adds by default since 1.36.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session().client(  # pyright: ignore[reportUnknownMemberType] - stubs of the other services
        "s3",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        verify=str(ca_file) if ca_file else None,
        config=config,
    )


class S3Objects:
    """The objects of a bucket.

    Args:
        public_url: where anybody may read the bucket's objects, each under its key.
        signs: whether browsers can reach the server itself, by signed addresses.
    """

    def __init__(self, client: "S3Client", bucket: str, *, public_url: str | None = None, signs: bool = True) -> None:
        self._client = client
        self._bucket = bucket
        self._signs = signs
        self._public_url = public_url.rstrip("/") if public_url else None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        check_key(key)
        await self._call(key, lambda: self._put(key, data, content_type))

    async def create(self, key: str, data: bytes, *, content_type: str) -> bool:
        check_key(key)
        return await self._call(key, lambda: self._create(key, data, content_type))

    async def get(self, key: str) -> bytes:
        check_key(key)
        return await self._call(key, lambda: self._get(key))

    async def head(self, key: str) -> ObjectInfo | None:
        check_key(key)
        return await self._call(key, lambda: self._head(key))

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        answer = await self._call(key, lambda: self._opened(key, start, end))
        if answer is None:
            return
        body = answer["Body"]
        with closing(body):
            while piece := await self._call(key, lambda: body.read(PIECE)):
                yield piece

    async def upload(self, key: str, source: Path, *, content_type: str, delivery: Delivery | None = None) -> None:
        check_key(key)
        extra = {"ContentType": content_type, **_headers(delivery)}
        with await asyncio.to_thread(source.open, "rb") as content:
            await self._call(
                key,
                lambda: self._client.upload_fileobj(content, self._bucket, key, ExtraArgs=extra, Config=TRANSFER),
            )

    async def download(self, key: str, target: Path) -> None:
        check_key(key)
        with await asyncio.to_thread(target.open, "wb") as content:
            await self._call(key, lambda: self._client.download_fileobj(self._bucket, key, content, Config=TRANSFER))

    async def copy(self, source: str, target: str, *, delivery: Delivery | None = None) -> None:
        check_key(source)
        check_key(target)
        await self._call(source, lambda: self._copy(source, target, _headers(delivery)))

    async def list(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        check_prefix(prefix)
        after = ""
        while page := await self._call(prefix, partial(self._page, prefix, after)):
            for entry in filter(_is_ours, page):
                yield entry
            after = page[-1].key

    async def delete(self, key: str) -> None:
        check_key(key)
        try:
            await self._call(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=key))
        except ObjectMissing:
            return

    async def address(self, key: str, *, seconds: int, filename: str | None = None) -> str | None:
        """A public URL where the bucket has one, else a signed one; a download is always signed."""
        check_key(key)
        if self._public_url and filename is None:
            return f"{self._public_url}/{quote(key)}"
        if not self._signs:
            return None
        asked = {"Bucket": self._bucket, "Key": key}
        if filename is not None:
            asked["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        return await self._call(
            key, lambda: self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds)
        )

    async def preflight(self) -> None:
        """A listing tells a wrong key, a missing bucket and a server that cannot be reached apart."""
        await self._call("", lambda: self._page("", ""))

    async def ensure_bucket(self) -> None:
        """Makes the bucket where it is missing. Raises `Unavailable`."""
        await self._call("", self._ensure_bucket)

    async def clear_unfinished(self, before: datetime) -> int:
        return await self._call("", lambda: self._abort_uploads(before))

    async def _call(self, key: str, work: Callable[[], Answer]) -> Answer:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError as error:
            raise Unavailable(f"the object store took longer than {CALL_SECONDS:g} seconds", on=ON) from error
        except RetriesExceededError as error:
            raise translated(error.last_exception, key) from error
        except (ClientError, BotoCoreError, ResponseParserError, OSError) as error:
            raise translated(error, key) from error

    def _put(self, key: str, data: bytes, content_type: str) -> None:
        answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)
        said_by_s3(answer, "ETag")

    def _create(self, key: str, data: bytes, content_type: str) -> bool:
        try:
            answer = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, IfNoneMatch="*"
            )
        except ClientError as error:
            # 412: it is there. 409: another create of it is under way.
            if code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                return False
            raise
        said_by_s3(answer, "ETag")
        return True

    def _get(self, key: str) -> bytes:
        with closing(self._client.get_object(Bucket=self._bucket, Key=key)["Body"]) as body:
            return body.read()

    def _head(self, key: str) -> ObjectInfo | None:
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code(error) != "404":
                raise
            # To HEAD a missing bucket is a 404 like a missing object, and some servers answer so to a
            # wrong key; who believed it would pay for what cannot be kept. A listing says which it is.
            self._page(key, "")
            return None
        said_by_s3(answer, "ETag")
        return ObjectInfo(key, answer["ContentLength"], answer["LastModified"].astimezone(UTC), answer["ContentType"])

    def _copy(self, source: str, target: str, headers: Mapping[str, str]) -> None:
        origin: CopySourceTypeDef = {"Bucket": self._bucket, "Key": source}
        changed: dict[str, Any] = {}
        if headers:  # S3 copies the headers of the source, or takes all of them anew
            content_type = self._client.head_object(Bucket=self._bucket, Key=source)["ContentType"]
            changed = {"MetadataDirective": "REPLACE", "ContentType": content_type, **headers}
        self._client.copy_object(Bucket=self._bucket, Key=target, CopySource=origin, **changed)

    def _opened(self, key: str, start: int, end: int | None) -> "GetObjectOutputTypeDef | None":
        if end is not None and end <= start:
            return None
        if start == 0 and end is None:
            return self._client.get_object(Bucket=self._bucket, Key=key)
        asked = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, Range=asked)
        except ClientError as error:
            if code(error) in ("InvalidRange", "416"):
                return None
            raise

    def _page(self, prefix: str, after: str) -> Sequence[ObjectEntry]:
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=after)
        said_by_s3(page, "Name")
        items = cast("Sequence[dict[str, Any]]", page.get("Contents", ()))
        return [ObjectEntry(item["Key"], item["Size"], item["LastModified"].astimezone(UTC)) for item in items]

    def _ensure_bucket(self) -> None:
        try:
            self._page("", "")
        except ClientError as error:
            if code(error) != "NoSuchBucket":
                raise
            region = self._client.meta.region_name
            # AWS has a region that may not be named, R2 and others one that names none.
            place = {} if region in _NO_PLACE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            with contextlib.suppress(self._client.exceptions.BucketAlreadyOwnedByYou):
                self._client.create_bucket(Bucket=self._bucket, **cast("dict[str, Any]", place))

    def _abort_uploads(self, before: datetime) -> int:
        """Aborts uploads in parts: a server keeps, and bills, parts that were never joined."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
        uploads = [cast("dict[str, Any]", upload) for page in pages for upload in page.get("Uploads", ())]
        old = [upload for upload in uploads if upload["Initiated"] < before]
        for upload in old:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return len(old)


def _headers(delivery: Delivery | None) -> Mapping[str, str]:
    if delivery is None:
        return {}
    return {"CacheControl": delivery.cache_control, "ContentDisposition": delivery.disposition}


def _is_ours(entry: ObjectEntry) -> bool:
    return is_key(entry.key)

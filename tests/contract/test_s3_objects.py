"""What an S3 server adds to the contract of object stores: addresses, keys and buckets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest

from runtime.errors import Unavailable
from runtime.objects import Delivery
from runtime.s3_objects import S3Objects, s3_client
from tests.parts.s3 import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.s3

KEY = "artefacts/job/picture"
TEXT = "text/plain"


async def test_s3_clears_uploads_that_were_cut_off(s3_objects: S3Objects, s3_connection: "S3Client") -> None:
    bucket = s3_objects._bucket
    s3_connection.create_multipart_upload(Bucket=bucket, Key=KEY)
    assert await s3_objects.clear_unfinished(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert await s3_objects.clear_unfinished(datetime.now(UTC) + timedelta(days=1)) == 1
    assert not s3_connection.list_multipart_uploads(Bucket=bucket).get("Uploads")


async def test_a_signed_address_is_read_over_plain_http(s3_objects: S3Objects) -> None:
    await s3_objects.put(KEY, b"video", content_type="video/mp4")
    plain = await s3_objects.address(KEY, seconds=60)
    named = await s3_objects.address(KEY, seconds=60, filename="Größe 1.mp4")
    assert plain is not None
    assert named is not None
    async with httpx.AsyncClient() as http:
        answer = await http.get(plain, headers={"range": "bytes=1-2"})
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (206, b"id", "video/mp4")
        disposition = (await http.get(named)).headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.mp4"


async def test_a_published_object_says_how_it_is_kept_and_saved(s3_objects: S3Objects, tmp_path: Path) -> None:
    (tmp_path / "video").write_bytes(b"video")
    delivery = Delivery("public, max-age=31536000, immutable", "Größe 1.mp4")
    await s3_objects.upload(KEY, tmp_path / "video", content_type="video/mp4", delivery=delivery)
    await s3_objects.put("scratch/job/video", b"video", content_type="video/mp4")
    await s3_objects.copy("scratch/job/video", f"{KEY}2", delivery=delivery)
    async with httpx.AsyncClient() as http:
        for key in (KEY, f"{KEY}2"):
            headers = (await http.get(str(await s3_objects.address(key, seconds=60)))).headers
            assert headers["content-type"] == "video/mp4"
            assert headers["cache-control"] == delivery.cache_control
            assert headers["content-disposition"] == "inline; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.mp4"


async def test_a_bucket_is_made_where_it_is_missing(s3_connection: "S3Client") -> None:
    objects = S3Objects(s3_connection, f"test-{uuid4()}")
    await objects.ensure_bucket()
    await objects.put(KEY, b"kept", content_type=TEXT)
    await objects.ensure_bucket()
    assert await objects.get(KEY) == b"kept"


async def test_a_preflight_tells_a_missing_bucket(s3_objects: S3Objects, s3_connection: "S3Client") -> None:
    await s3_objects.preflight()
    with pytest.raises(Unavailable, match="S3_BUCKET") as missing:
        await S3Objects(s3_connection, "no-such-bucket").preflight()
    assert missing.value.refused


@pytest.mark.signatures
async def test_a_tampered_address_is_refused(s3_objects: S3Objects) -> None:
    await s3_objects.put(KEY, b"video", content_type="video/mp4")
    await s3_objects.put(f"{KEY}2", b"another", content_type="video/mp4")
    address = await s3_objects.address(KEY, seconds=60)
    assert address is not None
    async with httpx.AsyncClient() as http:
        answers = [
            await http.get(address.replace(f"{KEY}?", f"{KEY}2?")),
            await http.get(address.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")),
            await http.get(address.partition("?")[0]),
        ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_a_public_bucket_has_plain_addresses(s3_connection: "S3Client") -> None:
    store = S3Objects(s3_connection, "videos", public_url="https://videos.example.com/")
    assert await store.address(KEY, seconds=60) == f"https://videos.example.com/{KEY}"
    download = await store.address(KEY, seconds=60, filename="video.mp4")
    assert download is not None
    assert "X-Amz-Signature=" in download


def connected(server: S3Server, bucket: str = "keyframe") -> S3Objects:
    client = s3_client(
        endpoint_url=server.endpoint,
        region="us-east-1",
        access_key=server.access_key,
        secret_key=server.secret_key,
    )
    return S3Objects(client, bucket)


@pytest.mark.signatures
@pytest.mark.parametrize("wrong", [{"access_key": "NOBODY"}, {"secret_key": "WRONG"}])
async def test_a_wrong_key_is_told_without_it(s3_server: S3Server, wrong: dict[str, str]) -> None:
    store = connected(replace(s3_server, **wrong))
    for call in (store.get(KEY), store.put(KEY, b"", content_type=TEXT), store.create(KEY, b"", content_type=TEXT)):
        with pytest.raises(Unavailable, match="check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY") as refused:
            await call
        assert refused.value.on == "object store"
        for secret in (s3_server.access_key, s3_server.secret_key, *wrong.values()):
            assert secret not in str(refused.value)
    with pytest.raises(Unavailable, match=r"S3_ACCESS_KEY_ID|the right to read"):
        await store.head(KEY)


async def test_a_missing_bucket_is_told(s3_server: S3Server) -> None:
    store = connected(s3_server, "no-such-bucket")
    for call in (store.head(KEY), store.get(KEY), store.put(KEY, b"", content_type=TEXT), anext(store.list(""))):
        with pytest.raises(Unavailable, match="check S3_BUCKET"):
            await call


async def test_a_server_that_is_away_is_told(unused_tcp_port: int) -> None:
    away = S3Server("away", f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Unavailable, match="cannot be reached: check S3_ENDPOINT_URL"):
        await connected(away).get(KEY)

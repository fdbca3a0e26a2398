"""Which store the settings name."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from runtime.folder_objects import FolderObjects
from runtime.objects import ObjectStore
from runtime.s3_objects import S3Objects
from runtime.settings import CommonSettings, InvalidSetting, S3Settings
from runtime.stores import object_store, public_store

KEY = "published/job/1/video.mp4"


def s3(**changes: Any) -> S3Settings:
    fields: dict[str, Any] = {"s3_access_key_id": "the-key\n", "s3_secret_access_key": SecretStr("the-secret\n")}
    return S3Settings(**(fields | changes))


async def address(store: ObjectStore | None, filename: str | None = None) -> str:
    assert isinstance(store, S3Objects)
    return await store.address(KEY, seconds=60, filename=filename) or ""


async def test_a_folder_unless_set_otherwise(tmp_path: Path) -> None:
    common = CommonSettings(storage_folder=tmp_path)
    store = object_store(common, s3(s3_public_bucket="videos"))
    assert isinstance(store, FolderObjects)
    assert store.path("a/b") == tmp_path / "a" / "b"
    assert public_store(common, s3(s3_public_bucket="videos")) is None


async def test_r2_is_named_by_its_account() -> None:
    common = CommonSettings(storage_provider="s3")
    signed = await address(object_store(common, s3(r2_account_id="abc123\n")))
    assert signed.startswith(f"https://abc123.r2.cloudflarestorage.com/keyframe/{KEY}?")
    assert "X-Amz-Credential=the-key%2F" in signed
    assert "the-secret" not in signed


async def test_any_other_server_is_named_by_its_endpoint() -> None:
    common = CommonSettings(storage_provider="s3")
    settings = s3(s3_endpoint_url="https://s3.example.com", s3_bucket="mine", r2_account_id="abc123")
    assert (await address(object_store(common, settings))).startswith(f"https://s3.example.com/mine/{KEY}?")
    assert public_store(common, settings) is None


async def test_published_files_have_a_place_of_their_own_where_one_is_named() -> None:
    common, server = CommonSettings(storage_provider="s3"), {"s3_endpoint_url": "https://s3.example.com"}
    both = public_store(common, s3(**server, s3_public_bucket="videos", s3_public_url="https://videos.example.com/"))
    assert await address(both) == f"https://videos.example.com/{KEY}"
    assert (await address(both, "video.mp4")).startswith(f"https://s3.example.com/videos/{KEY}?")
    bucket = public_store(common, s3(**server, s3_public_bucket="videos"))
    assert (await address(bucket)).startswith(f"https://s3.example.com/videos/{KEY}?")
    url = public_store(common, s3(**server, s3_public_url="https://videos.example.com"))
    assert await address(url) == f"https://videos.example.com/{KEY}"


async def test_nobody_is_sent_to_a_server_that_browsers_cannot_reach() -> None:
    common, inside = CommonSettings(storage_provider="s3"), {"s3_endpoint_url": "http://s3:7070", "s3_sign_urls": False}
    assert await address(object_store(common, s3(**inside))) == ""
    assert await address(object_store(common, s3(**inside)), "video.mp4") == ""
    public = public_store(common, s3(**inside, s3_public_url="https://videos.example.com"))
    assert await address(public) == f"https://videos.example.com/{KEY}"
    assert await address(public, "video.mp4") == ""


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"s3_access_key_id": None}, "S3_ACCESS_KEY_ID"),
        ({"s3_secret_access_key": None}, "S3_SECRET_ACCESS_KEY"),
        ({"s3_endpoint_url": "127.0.0.1:9000"}, "S3_ENDPOINT_URL"),
    ],
)
def test_what_no_store_can_be_made_of_is_named(changes: dict[str, Any], variable: str) -> None:
    with pytest.raises(InvalidSetting, match=variable) as refusal:
        object_store(CommonSettings(storage_provider="s3"), s3(**changes))
    assert "the-secret" not in str(refusal.value)

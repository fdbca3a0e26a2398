"""Where a browser is sent for a video."""

from urllib.parse import urlsplit

from runtime.errors import StageError
from runtime.objects import ObjectStore

_ANY_KEY = "published/any"
_SECONDS = 1


async def media_origin(store: ObjectStore) -> str:
    """The origin that the store's addresses lead to; empty where it has none, or cannot say."""
    try:
        address = await store.address(_ANY_KEY, seconds=_SECONDS)
    except StageError:
        return ""
    if address is None:
        return ""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"

"""A published file counts when it was read back whole."""

import hashlib

from runtime.errors import Permanent, Transient
from runtime.objects import Delivery, ObjectMissing, ObjectStore
from schemas.media import File
from services.storage.manifest import FilePublished
from services.storage.ports import Publisher


async def publish_checked(
    assembled: File, target: File, delivery: Delivery, publisher: Publisher, store: ObjectStore
) -> FilePublished:
    """Publishes a file and reads it back; where an earlier try has cleared its source, what that published stands.

    Raises:
        Permanent: the assembled file is gone, and no whole copy of it is published.
        Transient: what was published is not what was assembled.
        Unavailable: a store is away.
    """
    cleared = False
    try:
        await publisher.publish(assembled, target.key, delivery)
    except ObjectMissing:
        cleared = True
    published = await _read_back(target, store)
    if published is not None and published.size == assembled.size:
        return published
    if cleared:
        raise Permanent("the assembled files were cleared: replay the job from the assembler")
    raise Transient("a published file is not as large as the assembled one")


async def _read_back(file: File, store: ObjectStore) -> FilePublished | None:
    size, digest = 0, hashlib.sha256()
    try:
        async for piece in store.stream(file.key):
            size += len(piece)
            digest.update(piece)
    except ObjectMissing:
        return None
    return FilePublished(content_type=file.content_type, size=size, sha256=digest.hexdigest())

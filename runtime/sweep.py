"""The sweep: what a job left behind is removed once nothing has happened to the job for long.

Artefacts and scratch files go; answers and published files stay, and count as signs of life. Not
every S3 server has lifecycle rules, and none knows jobs, so this is ours to do.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from runtime.concurrency import each
from runtime.errors import Unavailable
from runtime.objects import ObjectEntry, ObjectStore
from schemas import keys

log = structlog.get_logger(__name__)

PARALLEL = 8
"""Objects deleted at once."""

UNFINISHED = timedelta(days=1)
"""Age at which a write that did not end is taken for cut off."""


@dataclass(frozen=True)
class Stores:
    """Where the objects of jobs lie; both may be the same."""

    objects: ObjectStore
    published: ObjectStore


@dataclass(frozen=True)
class Swept:
    """What a sweep removed."""

    jobs: int = 0
    objects: int = 0
    size: int = 0
    """Bytes, of the objects."""
    unfinished: int = 0
    """Writes that were cut off."""


async def sweep(stores: Stores, *, now: datetime, inactive: timedelta) -> Swept:
    """Removes the artefacts and scratch files of every job to which nothing has happened for `inactive`.

    Safe to run beside stages and other sweeps: a job's signs of life are looked for again just
    before its objects go, and what was swept is made again when a replay asks for it.

    Raises:
        Unavailable: a store is away; what was swept until then is swept.
    """
    swept = Swept(unfinished=await _clear_unfinished(stores, now - UNFINISHED))
    for job_id in await _jobs_untouched_since(now - inactive, stores.objects):
        leftovers = await _leftovers(job_id, stores, now - inactive)
        await each([entry.key for entry in leftovers], stores.objects.delete, limit=PARALLEL)
        swept = Swept(
            jobs=swept.jobs + bool(leftovers),
            objects=swept.objects + len(leftovers),
            size=swept.size + sum(entry.size for entry in leftovers),
            unfinished=swept.unfinished,
        )
    return swept


async def sweep_regularly(
    stores: Stores, *, clock: Callable[[], datetime], inactive: timedelta, every: timedelta
) -> None:
    """Sweeps now and then until it is cancelled; a sweep that fails is left to the next one."""
    while True:
        try:
            log.info("swept", **asdict(await sweep(stores, now=clock(), inactive=inactive)))
        except Unavailable as away:
            log.warning("not swept", on=away.on, reason=str(away))
        except Exception:
            log.exception("the sweep failed")
        await asyncio.sleep(every.total_seconds())


async def _clear_unfinished(stores: Stores, before: datetime) -> int:
    cleared = await stores.objects.clear_unfinished(before)
    if stores.published is not stores.objects:
        cleared += await stores.published.clear_unfinished(before)
    return cleared


async def _jobs_untouched_since(before: datetime, store: ObjectStore) -> list[str]:
    """The jobs with artefacts or scratch files, all of which are older."""
    newest: dict[str, datetime] = {}
    for area in (keys.ARTEFACTS, keys.SCRATCH):
        async for entry in store.list(f"{area}/"):
            job_id = entry.key.split("/")[1]
            if _is_job(job_id):
                newest[job_id] = max(entry.modified, newest.get(job_id, entry.modified))
    return [job_id for job_id, modified in newest.items() if modified < before]


async def _leftovers(job_id: str, stores: Stores, before: datetime) -> list[ObjectEntry]:
    """What may go of a job: nothing where anything of it is as new as `before`."""
    going = await _listed(stores.objects, (keys.ARTEFACTS, keys.SCRATCH), job_id)
    staying = await _listed(stores.objects, (keys.ANSWERS,), job_id)
    staying += await _listed(stores.published, (keys.PUBLISHED,), job_id)
    alive = any(entry.modified >= before for entry in (*going, *staying))
    return [] if alive else going


async def _listed(store: ObjectStore, areas: tuple[str, ...], job_id: str) -> list[ObjectEntry]:
    return [entry for area in areas async for entry in store.list(f"{area}/{job_id}/")]


def _is_job(name: str) -> bool:
    """Whether a name is a job's id; what else somebody keeps in the bucket is not ours to sweep."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False

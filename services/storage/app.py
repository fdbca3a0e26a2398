"""The storage service, wired: settings in, adapters picked."""

from datetime import timedelta
from functools import partial
from importlib.metadata import version

from pydantic_settings import SettingsConfigDict

from runtime.clock import utc_now
from runtime.objects import ObjectStore
from runtime.settings import Positive, StageSettings
from runtime.stage import Job, Stage
from runtime.sweep import Stores, sweep_regularly
from schemas.events import VideoAssembled, VideoPublished
from schemas.topics import VIDEO_ASSEMBLED, VIDEO_PUBLISHED, ServiceName
from services.storage.publishers import CarryAcross, CopyWithin
from services.storage.service import Ports, publish_video


class StorageSettings(StageSettings):
    """KEYFRAME_STORAGE_*, beside the `provider` and the `folder` that every service reads."""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_STORAGE_")

    sweep_after_days: Positive = 30.0
    """Days without a sign of life after which a job's artefacts and scratch files are removed."""
    sweep_every_hours: Positive = 6.0


def build(
    settings: StorageSettings, store: ObjectStore, public: ObjectStore | None
) -> Stage[VideoAssembled, VideoPublished, Ports]:
    """The stage with the adapters that the settings name.

    Args:
        store: where artefacts and scratch files lie.
        public: where published files lie, if not there too.
    """
    published = public or store
    publisher = CopyWithin(store) if public is None else CarryAcross(store, public)
    keyframe_version = version("keyframe")

    def ports(job: Job) -> Ports:
        return Ports(store, published, publisher, job.progress, keyframe_version)

    sweep = partial(
        sweep_regularly,
        Stores(store, published),
        clock=utc_now,
        inactive=timedelta(days=settings.sweep_after_days),
        every=timedelta(hours=settings.sweep_every_hours),
    )
    return Stage(ServiceName.STORAGE, VIDEO_ASSEMBLED, VIDEO_PUBLISHED, publish_video, ports, settings, chores=(sweep,))

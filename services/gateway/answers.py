"""What is known of a job, as its user gets to see it."""

from collections.abc import Iterable

from schemas import media
from schemas.topics import ServiceName
from services.gateway.addresses import Addresses, FileName
from services.gateway.estimate import Estimate
from services.gateway.known import Content, JobView
from services.gateway.responses import (
    Accepted,
    Captions,
    Costs,
    Degraded,
    EstimatedCost,
    FeedItem,
    JobError,
    JobStatus,
    Keyframe,
    Links,
    StageTiming,
    WaitingFor,
)
from services.gateway.standing import Standing, standing


def accepted(job_id: str, cost: Estimate | None, addresses: Addresses) -> Accepted:
    """The answer to a request, the same however often it is sent."""
    return Accepted(job_id=job_id, estimate=_estimated(cost) if cost else None, links=links_of(job_id, addresses))


def job_status(job: JobView, addresses: Addresses) -> JobStatus:
    """The job as its user sees it."""
    now = standing(job)
    content, video, failure = now.content, now.video, now.failure

    def published(name: FileName) -> str | None:
        return addresses.file(job.job_id, name) if video else None

    vtt, srt = published(FileName.CAPTIONS_VTT), published(FileName.CAPTIONS_SRT)
    return JobStatus(
        job_id=job.job_id,
        status=now.status,
        stage=now.stage,
        waiting_for=WaitingFor.model_validate(now.waiting, from_attributes=True) if now.waiting else None,
        progress=now.progress,
        stages=dict(now.stages),
        title=_title(content, video),
        prompt=content.prompt if content else None,
        style=content.style if content else None,
        aspect_ratio=content.aspect_ratio if content else None,
        voice=content.voice if content else None,
        language=content.language if content else None,
        scene_count=content.scene_count if content else None,
        target_seconds=content.target_seconds if content else None,
        created_at=job.created_at,
        completed_at=now.completed_at,
        video_url=published(FileName.VIDEO),
        thumbnail_url=published(FileName.THUMBNAIL),
        captions=Captions(vtt=vtt, srt=srt) if vtt and srt else None,
        keyframes=[
            Keyframe(scene=index + 1, url=addresses.keyframe(job.job_id, index + 1)) for index in sorted(now.keyframes)
        ],
        duration=video.duration if video else None,
        timings=_timings(now),
        revision=now.revision,
        video_revision=now.video_revision,
        error=JobError(code=failure.code, message=failure.message, stage=now.stage) if failure else None,
        costs=_costs(now),
        degraded=_degraded(content.degraded if content else ()),
        attributions=list(content.attributions if content else ()),
        links=links_of(job.job_id, addresses),
    )


def feed_item(job: JobView, addresses: Addresses) -> FeedItem | None:
    """The job's published video, if there is one."""
    video = standing(job).video
    if video is None:
        return None
    return FeedItem(
        job_id=job.job_id,
        title=video.title,
        style=video.style,
        video_url=addresses.file(job.job_id, FileName.VIDEO),
        thumbnail_url=addresses.file(job.job_id, FileName.THUMBNAIL),
        duration=video.duration,
        completed_at=video.time,
        degraded=_degraded(video.degraded),
    )


def _estimated(cost: Estimate) -> EstimatedCost:
    by_stage = {stage: None if part is None else _rounded(part) for stage, part in cost.by_stage.items()}
    return EstimatedCost(usd=None if cost.usd is None else _rounded(cost.usd), by_stage=by_stage, reason=cost.reason)


def _costs(now: Standing) -> Costs:
    return Costs(
        usd=_rounded(sum(spent.usd for spent in now.costs.values())),
        by_stage={stage: _rounded(spent.usd) for stage, spent in now.costs.items()},
        complete=all(spent.complete for spent in now.costs.values()),
    )


def _rounded(usd: float) -> float:
    """To a millionth of a dollar: what is beyond it comes of adding binary fractions."""
    return round(usd, 6)


def _degraded(entries: Iterable[media.Degraded]) -> list[Degraded]:
    return [
        Degraded(scene=None if one.scene is None else one.scene + 1, stage=one.stage, reason=one.reason)
        for one in entries
    ]


def _title(content: Content | None, video: Content | None) -> str | None:
    """A replay that has written no script yet goes by the title of the video that is there."""
    return (content.title if content else None) or (video.title if video else None)


def _timings(now: Standing) -> dict[ServiceName, StageTiming]:
    return {
        name: StageTiming(started_at=timing.started_at, finished_at=timing.finished_at, seconds=timing.seconds)
        for name, timing in now.timings.items()
    }


def links_of(job_id: str, addresses: Addresses) -> Links:
    """Where to go on from a job's id."""
    return Links(status=addresses.status(job_id), video=addresses.file(job_id, FileName.VIDEO))

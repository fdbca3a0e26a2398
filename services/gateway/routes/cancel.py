"""DELETE /api/v1/jobs/{jobId}"""

from http import HTTPStatus

from fastapi import APIRouter

from schemas.jobs import JobCancelled
from services.gateway.answers import job_status
from services.gateway.problems import Problem, documented
from services.gateway.projection import evolve
from services.gateway.responses import JobStatus
from services.gateway.routes.shared import Gateway, JobId, known_job
from services.gateway.standing import Status, standing

router = APIRouter()


@router.delete(
    "/jobs/{jobId}",
    status_code=HTTPStatus.ACCEPTED,
    summary="Stop a job",
    responses=documented(401, 404, 409, 422, 503),
)
async def cancel(job_id: JobId, gateway: Gateway) -> JobStatus:
    """Its newest revision is not worked at any more. A paid call that is under way ends, and no other begins."""
    job = await known_job(gateway, job_id)
    if standing(job).status is Status.COMPLETED:
        raise Problem(HTTPStatus.CONFLICT, "The video is published: there is nothing left to stop.")
    while (now := standing(job)).status not in (Status.COMPLETED, Status.CANCELLED):
        fact = await gateway.telling.publish(JobCancelled(job_id=job_id, revision=now.revision), job_id, now.revision)
        await gateway.telling.fold([fact])
        job = evolve(await known_job(gateway, job_id), fact)  # by now a replay may have begun the next revision
        if gateway.unprojected.find(job_id) is not None:
            gateway.unprojected.add(job)
    return job_status(job, gateway.addresses)

"""GET /api/v1/status/{jobId}"""

from fastapi import APIRouter

from services.gateway.answers import job_status
from services.gateway.problems import documented
from services.gateway.responses import JobStatus
from services.gateway.routes.shared import Gateway, JobId, known_job, readable

router = APIRouter()


@readable(router, "/status/{jobId}", summary="See where a job stands", responses=documented(401, 404, 422, 503))
async def status(job_id: JobId, gateway: Gateway) -> JobStatus:
    """Its stage, its progress, and what it waits for; in the end the video, or why there is none."""
    return job_status(await known_job(gateway, job_id), gateway.addresses)

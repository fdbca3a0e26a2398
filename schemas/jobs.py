"""What any stage, or the user, says about a job beside the chain."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from schemas.base import Contract, JobId, Revision
from schemas.costs import StageCost
from schemas.media import ObjectKey


class JobEvent(Contract):
    """What every event about a job says."""

    job_id: JobId
    revision: Revision = 1


class Waiting(Contract):
    """Who a stage waits for."""

    on: str
    """The provider or store that is away or refuses."""
    reason: str
    since: AwareDatetime
    next_try: AwareDatetime


class JobProgressed(JobEvent):
    """A stage did one of its steps ("image 4 of 10"), began, or waits."""

    stage: str
    step: Annotated[int, Field(ge=0)]
    """Which step is done, 1 to `steps`, in any order; 0 says nothing is: the stage began, or waits."""
    steps: Annotated[int, Field(ge=1)]
    label: str
    """What the step was, for people."""
    artefact: ObjectKey | None = None
    """What the step made."""
    waiting: Waiting | None = None


class JobFailed(JobEvent):
    """A stage gave up on a job; its record is parked."""

    stage: str
    code: str
    """`permanent`, `exhausted`, `unavailable`, `undecodable` or `crashed`."""
    message: str
    attempts: Annotated[int, Field(ge=0)]
    redrives: Annotated[int, Field(ge=0)] = 0
    costs: tuple[StageCost, ...] = ()
    """What the stage's calls had cost by then."""


class JobRedriven(JobEvent):
    """A parked record was sent to its stage again, for the `redrives`-th time."""

    stage: str
    redrives: Annotated[int, Field(ge=1)]
    parked: str | None = None
    """Where the record lay in the dead-letter queue: topic/partition/offset."""


class JobDiscarded(JobEvent):
    """A parked record will not be sent again. Of bytes that name no job, the job's id is derived from their place."""

    stage: str
    parked: str
    """Where the record lies in the dead-letter queue: topic/partition/offset."""


class JobCancelled(JobEvent):
    """The user stopped the job."""

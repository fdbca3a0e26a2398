"""Jobs that the log has and the status view may not have yet."""

from collections import OrderedDict

from services.gateway.known import JobView

MOST = 1_000


class Unprojected:
    """A memory of this process, bounded: the oldest job is forgotten first.

    A job comes in when its request is acknowledged and goes out when the view is seen to have it, so that
    a read after the POST finds it even where the database was away in between.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._jobs: OrderedDict[str, JobView] = OrderedDict()

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: JobView) -> None:
        """Remembers a job."""
        self._jobs[job.job_id] = job
        while len(self._jobs) > self._most:
            self._jobs.popitem(last=False)

    def find(self, job_id: str) -> JobView | None:
        """The job, if it is remembered."""
        return self._jobs.get(job_id)

    def drop(self, job_id: str) -> None:
        """Forgets a job; one that is not remembered is no error."""
        self._jobs.pop(job_id, None)

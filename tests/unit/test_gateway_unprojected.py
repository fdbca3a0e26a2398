"""The memory of accepted jobs is bounded."""

from services.gateway.projection import JobView
from services.gateway.unprojected import Unprojected
from tests.builders import job_id


def test_the_oldest_job_is_forgotten_first():
    memory = Unprojected(most=2)
    for number in (1, 2, 3):
        memory.add(JobView(job_id=job_id(number)))
    assert [memory.find(job_id(number)) is not None for number in (1, 2, 3)] == [False, True, True]
    memory.drop(job_id(2))
    memory.drop(job_id(2))
    assert len(memory) == 1

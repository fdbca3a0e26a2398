"""What paid calls cost and what stand-ins made, carried from stage to stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from runtime.artefacts import Artefacts
from runtime.bill import Bill, Budget
from runtime.errors import Permanent, Unavailable
from runtime.fallback import Fallback
from runtime.folder_objects import FolderObjects
from schemas.costs import Charge, StageCost
from schemas.events import ImagesRendered
from schemas.media import Degraded
from schemas.topics import ServiceName
from services.images.ports import Painted, Painter, PictureRequest
from services.images.service import Ports, render_images
from tests.builders import script_written
from tests.pictures import FakePainter

PRICE = 0.002
WRITTEN = StageCost(
    stage="script", provider="openai", model="m", calls=1, units={"input_tokens": 9}, usd=0.01, seconds=2
)


@dataclass
class PaidPainter(FakePainter):
    """Takes money for every picture."""

    name: str = "nebius"
    model: str = "flux"

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        bill.reserve(PRICE)
        painted = await super().paint(request, bill)
        bill.charge(Charge(provider=self.name, model=self.model, units={"images": 1}, usd=PRICE, seconds=1.0))
        return painted


@dataclass
class AwayPainter(FakePainter):
    name: str = "nebius"

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        raise Unavailable("Nebius is away", on="nebius")


async def rendered(folder: Path, painters: Sequence[Painter], budget: float | None = None) -> ImagesRendered:
    script = script_written(scenes=3, costs=(WRITTEN,))
    artefacts = Artefacts(FolderObjects(folder), script.job_id, Budget(budget, spent=WRITTEN.usd or 0))

    async def unheard(step: int, steps: int, label: str, artefact: str | None = None) -> None: ...

    chain = Fallback(painters, timedelta(0)).chain()
    return await render_images(script, Ports(chain, artefacts, unheard, parallel=1))


async def test_costs_are_summed_behind_those_of_the_stages_before(tmp_path: Path) -> None:
    written, painted = (await rendered(tmp_path, [PaidPainter()])).costs

    assert written == WRITTEN
    assert (painted.stage, painted.provider, painted.model, painted.calls) == ("images", "nebius", "flux", 3)
    assert painted.usd == pytest.approx(3 * PRICE)
    assert painted.units == {"images": 3}


async def test_re_use_pays_nothing_and_loses_no_cost(tmp_path: Path) -> None:
    first = await rendered(tmp_path, [PaidPainter()])
    again = PaidPainter()

    assert (await rendered(tmp_path, [again])).costs == first.costs
    assert again.asked == []


async def test_a_budget_stops_the_call_that_would_exceed_it(tmp_path: Path) -> None:
    painter = PaidPainter()

    with pytest.raises(Permanent, match="KEYFRAME_JOB_BUDGET_USD"):
        await rendered(tmp_path, [painter], budget=0.01 + 2.5 * PRICE)
    assert len(painter.asked) == 2


def test_what_was_charged_is_promised_no_longer() -> None:
    bill = Bill(Budget(0.015))
    bill.reserve(0.010)
    bill.charge(Charge(provider="openai", model="m", units={"input_tokens": 9}, usd=0.004, seconds=1.0))

    bill.reserve(0.010)  # a repair of the answer: 0.014 in all at the most

    with pytest.raises(Permanent, match="KEYFRAME_JOB_BUDGET_USD"):
        bill.reserve(0.010)
    bill.close()
    assert (bill.budget.spent, bill.budget.reserved) == (0.004, 0.0)


async def test_what_a_stand_in_made_is_named(tmp_path: Path) -> None:
    images = await rendered(tmp_path, [AwayPainter(), FakePainter()])

    assert images.degraded == tuple(
        Degraded(stage=ServiceName.IMAGES, scene=index, reason="Nebius is away") for index in range(3)
    )
    assert {scene.picture.provider for scene in images.scenes} == {"offline"}

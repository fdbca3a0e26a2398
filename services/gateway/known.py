"""What is known of a job: the view's values, as they are kept in the database."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from schemas.jobs import Waiting
from schemas.media import DEFAULT_TARGET_SECONDS, AspectRatio, Attribution, Degraded, PublishedFiles


class Known(BaseModel):
    """A part of what is known. Fields of other versions are ignored, so that versions can run side by side."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Spent(Known):
    """What a stage's paid calls cost."""

    usd: float = 0.0
    """US dollars, as far as prices are known."""
    complete: bool = True
    """Whether they all are."""


class Content(Known):
    """What the furthest event of a revision carries. The event has everything that those before it had."""

    position: int
    time: AwareDatetime
    id: str
    prompt: str
    style: str
    aspect_ratio: AspectRatio
    voice: str
    language: str
    scene_count: int
    target_seconds: int = DEFAULT_TARGET_SECONDS
    costs: Mapping[str, Spent] = {}
    """By stage; no stage but those whose work is done is among them."""
    degraded: tuple[Degraded, ...] = ()
    title: str | None = None
    attributions: tuple[Attribution, ...] = ()
    pictures: Mapping[int, str] = {}
    """Scene index to object key."""
    duration: float | None = None
    """Seconds."""
    files: PublishedFiles | None = None

    @property
    def order(self) -> tuple[int, datetime, str]:
        return self.position, self.time, self.id


class Told(Known):
    """Something that a stage told, in its newest turn before any other."""

    turn: int
    """How often the stage's record had been redriven by then."""
    time: AwareDatetime
    id: str

    @property
    def order(self) -> tuple[int, datetime, str]:
        return self.turn, self.time, self.id


class Step(Told):
    """A step is done."""

    steps: int
    """Of how many."""
    artefact: str | None = None


class Note(Told):
    """What a stage does or waits for."""

    label: str
    waiting: Waiting | None = None


class Failure(Told):
    """A stage gave up."""

    code: str
    message: str
    spent: Spent | None = None
    """What the stage had spent by then, if anything."""


class StageView(Known):
    """What is known of a stage's work on a revision."""

    turn: int = 0
    """The newest turn: how often the stage's record has been redriven."""
    started_at: AwareDatetime | None = None
    note: Note | None = None
    failure: Failure | None = None
    done: Mapping[int, Step] = {}


class RevisionView(Known):
    """What is known of one run of a job."""

    content: Content | None = None
    emitted: Mapping[int, AwareDatetime] = {}
    """When each event of the chain was made, by its position."""
    stages: Mapping[str, StageView] = {}


class JobView(Known):
    """What is known of a job."""

    job_id: str
    created_at: AwareDatetime | None = None
    revisions: Mapping[int, RevisionView] = {}
    cancelled: int = 0
    """The newest revision that was cancelled, and with it those before; 0 is none."""

"""A stage, declared: a function from one event to the next, and what it may ask for on the way."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from runtime.artefacts import Artefacts
from runtime.objects import ObjectStore
from runtime.preflight import Preflight, Provider
from runtime.settings import StageSettings
from schemas.base import Contract
from schemas.topics import ServiceName, Topic

In = TypeVar("In", bound=Contract)
Out = TypeVar("Out", bound=Contract)
Ports = TypeVar("Ports")


Chore = Callable[[], Coroutine[Any, Any, None]]


class Progress(Protocol):
    """Tells the user that a step is done."""

    async def __call__(self, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        """Step `step` of `steps` is done (1 to `steps`, in any order); `artefact` is the key of what it made."""
        ...


@dataclass(frozen=True)
class Job:
    """The record in hand, as a stage's ports see it."""

    id: str
    store: ObjectStore
    artefacts: Artefacts
    progress: Progress


@dataclass(frozen=True)
class Stage(Generic[In, Out, Ports]):
    """How records of one topic become records of the next.

    `run` is the whole of the stage's work; `ports` builds what it needs, once a record.
    """

    name: ServiceName
    consumes: Topic
    emits: Topic
    run: Callable[[In, Ports], Awaitable[Out]]
    ports: Callable[[Job], Ports]
    settings: StageSettings
    required: tuple[Preflight, ...] = ()
    """Whose preflight the stage passes before it works, all of them."""
    providers: tuple[Provider, ...] = ()
    """Whose preflight the stage passes before it works; a chain of which one is enough."""
    chores: tuple[Chore, ...] = ()
    """What runs beside the stage for as long as its process does (a sweep)."""


AnyStage = Stage[Any, Any, Any]

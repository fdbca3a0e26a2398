"""What every contract model has in common."""

from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Grown = TypeVar("Grown", bound="Contract")


class Contract(BaseModel):
    """A frozen value that travels between services.

    Fields that this version does not know are kept and passed on, so that replicas of different
    versions can run side by side.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    drops: ClassVar[frozenset[str]] = frozenset()
    """Fields of an earlier value that this kind leaves behind (see `grown`)."""

    def grown(self, into: type[Grown], **made: Any) -> Grown:
        """A value of a later kind: everything this one carries, and what was made.

        Raises:
            pydantic.ValidationError: `made` lacks or breaks a field of `into`.
        """
        carried = {name: value for name, value in self._shallow().items() if name not in into.drops}
        return into(**{**carried, **made})

    def _shallow(self) -> dict[str, Any]:
        known = {name: getattr(self, name) for name in type(self).model_fields}
        return {**known, **(self.model_extra or {})}


def _canonical(text: str) -> str:
    return str(UUID(text))


JobId = Annotated[str, AfterValidator(_canonical)]
"""A job's id: a UUID in its canonical lower-case form."""

MAX_REVISION = 2**31 - 2
"""Whoever keeps it, and counts one on from it, has room in 32 bits with a sign."""

Revision = Annotated[int, Field(ge=1, le=MAX_REVISION)]
"""Which run of its job something belongs to."""

"""The answers of MediaWiki's action API in formatversion 2, as far as they are read."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field, ValidationError

from runtime.errors import Transient


class Page(BaseModel):
    """A page of a wiki."""

    pageid: int
    title: str
    index: int = 0
    """Its place among what a search found."""
    fullurl: str = ""
    extract: str = ""
    """The page as plain text, with headings as `== Heading ==`."""
    pageprops: Mapping[str, str] = Field(default_factory=dict[str, str])

    @property
    def is_ambiguous(self) -> bool:
        """Whether it only lists pages of the same name."""
        return "disambiguation" in self.pageprops


class Query(BaseModel):
    """What a query found."""

    pages: Sequence[Page] = ()


class Refusal(BaseModel):
    """Why the API did not answer a request."""

    code: str

    @property
    def passes(self) -> bool:
        """Whether it is load or limits that speak, not the request."""
        return self.code in {"maxlag", "ratelimited", "readonly"} or self.code.startswith("internal_api_error")


class Answer(BaseModel):
    """An answer; nothing found is an answer without a query."""

    query: Query = Query()
    error: Refusal | None = None


def parse(body: bytes) -> Answer:
    """Raises `Transient` where the bytes are no such answer."""
    try:
        return Answer.model_validate_json(body)
    except ValidationError as error:
        raise Transient("Wikipedia sent something that is no answer of its API") from error

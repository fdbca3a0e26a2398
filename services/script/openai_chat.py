"""One question to the writing model, in the dialect that its server understands, on the bill."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Annotated, Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from runtime.bill import Bill
from runtime.errors import Permanent, Transient
from runtime.openai_api.client import Answer, Client, RawAnswer
from runtime.openai_api.refusals import Refused
from schemas.costs import Charge
from schemas.prices import usd

PROVIDER = "openai"

TEMPERATURE = 0.7

CHARACTERS_PER_TOKEN = 4
"""Of English, about (OpenAI's own rule of thumb)."""

BYTES_PER_TOKEN = 2
"""At the least, for what is reserved."""


class Form(IntEnum):
    """How the answer's form is asked for, from the strictest to a mere request in words."""

    SCHEMA = 0
    OBJECT = 1
    TEXT = 2


_CEILINGS = ("max_completion_tokens", "max_tokens")
"""The limit of the answer's length by its name of today, and by the one that older servers know."""

_OPTIONS = frozenset({*_CEILINGS, "seed", "temperature"})


@dataclass(frozen=True)
class Dialect:
    """What a server understands."""

    form: Form = Form.SCHEMA
    without: frozenset[str] = frozenset()
    """Options that it refuses."""

    def simpler(self, said: str) -> "Dialect | None":
        """The dialect to try after a refusal; None where there is none left.

        Args:
            said: by the server, in lower case.
        """
        named = {option for option in _OPTIONS - self.without if option in said}
        if named and "response_format" not in said:
            return replace(self, without=self.without | named)
        if self.form is not Form.TEXT:
            return replace(self, form=Form(self.form + 1))
        return replace(self, without=_OPTIONS) if self.without != _OPTIONS else None

    def options(self, ceiling: int, seed: int, schema: ResponseFormatJSONSchema) -> dict[str, Any]:
        """The parameters beside the model and the messages."""
        limit = next((name for name in _CEILINGS if name not in self.without), None)
        options: dict[str, Any] = {"temperature": TEMPERATURE, "seed": seed}
        if limit is not None:
            options[limit] = ceiling
        options = {name: value for name, value in options.items() if name not in self.without}
        match self.form:
            case Form.SCHEMA:
                return options | {"response_format": schema}
            case Form.OBJECT:
                return options | {"response_format": {"type": "json_object"}}
            case Form.TEXT:
                return options


@dataclass(frozen=True)
class Question:
    """What is asked, and how long the answer may be."""

    messages: Sequence[ChatCompletionMessageParam]
    schema: ResponseFormatJSONSchema
    ceiling: int
    """Tokens."""
    seed: int


@dataclass(frozen=True)
class Reply:
    """What the model said."""

    content: str
    is_cut_off: bool


def _lenient(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:
        return None


class _Usage(BaseModel):
    prompt_tokens: Annotated[int, Field(ge=0)]
    completion_tokens: Annotated[int, Field(ge=0)]


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: Annotated[tuple[_Choice, ...], Field(min_length=1)]


class _Metered(BaseModel):
    """The part of an answer that says what it cost; servers of one's own often leave it out."""

    usage: Annotated[_Usage | None, WrapValidator(_lenient)] = None


class Chat:
    """Asks one model, and remembers for the life of the process what its server does not understand."""

    def __init__(self, client: Client, model: str) -> None:
        self._client = client
        self._model = model
        self._dialect = Dialect()

    async def ask(self, question: Question, bill: Bill) -> Reply:
        """The reply to one paid call.

        Raises:
            Permanent: the model refuses, or the budget does not reach.
            Transient: the answer cannot be read.
            Unavailable: the server is away, limits us or refuses us.
        """
        most = {"input_tokens": _size(question) / BYTES_PER_TOKEN, "output_tokens": float(question.ceiling)}
        bill.reserve(usd(PROVIDER, self._model, most))
        answer = await self._understood(question, bill)
        bill.charge(self._charge(question, answer))
        return self._reply(answer.text)

    async def _understood(self, question: Question, bill: Bill) -> Answer:
        """The answer, asked for in ever simpler dialects; a refusal costs nothing."""
        dialect = self._dialect
        while True:
            try:
                answer = await self._client.ask(lambda sdk, dialect=dialect: self._call(sdk, question, dialect, bill))
            except Refused as refusal:
                simpler = dialect.simpler(refusal.said)
                if simpler is None:
                    raise
                dialect = simpler
            else:
                self._dialect = dialect
                return answer

    async def _call(self, sdk: AsyncOpenAI, question: Question, dialect: Dialect, bill: Bill) -> RawAnswer:
        bill.budget.look()  # it may have waited for its turn
        options = dialect.options(question.ceiling, question.seed, question.schema)
        completions: Any = sdk.chat.completions.with_raw_response  # the SDK's overloads know no options of our choosing
        return await completions.create(model=self._model, messages=question.messages, **options)

    def _charge(self, question: Question, answer: Answer) -> Charge:
        """What the call cost; where the server does not say, an estimate that is marked as one."""
        try:
            usage = _Metered.model_validate_json(answer.text).usage
        except ValidationError:
            usage = None
        tokens = {
            "input_tokens": float(usage.prompt_tokens if usage else _size(question) // CHARACTERS_PER_TOKEN),
            "output_tokens": float(usage.completion_tokens if usage else len(answer.text) // CHARACTERS_PER_TOKEN),
        }
        return Charge(
            provider=PROVIDER,
            model=self._model,
            units=tokens if usage else tokens | {"estimated": 1.0},
            usd=usd(PROVIDER, self._model, tokens),
            seconds=answer.seconds,
        )

    def _reply(self, text: str) -> Reply:
        server = self._client.server
        try:
            choice = _Completion.model_validate_json(text).choices[0]
        except ValidationError:
            raise Transient(f"{server.name} sent an answer that cannot be read") from None
        if choice.message.refusal:
            raise Permanent(f"{server.name} refuses to write this script: {server.clean(choice.message.refusal)}")
        if choice.finish_reason == "content_filter":
            raise Permanent(f"the content filter of {server.name} stopped this script: change the prompt or the text")
        return Reply(choice.message.content or "", choice.finish_reason == "length")


def _size(question: Question) -> int:
    """Bytes of what is sent."""
    return len(json.dumps([question.messages, question.schema], ensure_ascii=False).encode())

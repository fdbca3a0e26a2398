"""The writer that asks a language model, at OpenAI or any server that speaks its API."""

from openai.types.chat import ChatCompletionMessageParam

from runtime.bill import Bill
from runtime.errors import StageError, Transient
from runtime.openai_api.client import Client
from runtime.openai_api.models import check_served
from services.script import openai_answer, openai_messages
from services.script.openai_chat import PROVIDER, Chat, Question, Reply
from services.script.openai_messages import Length
from services.script.plain_text import shortened, word_count
from services.script.ports import Brief, Draft

KEPT_CHARACTERS = 12_000
"""Of an answer that is sent back to be put right."""

BASE_TOKENS, SCENE_TOKENS, WORD_TOKENS = 2_000, 250, 8
"""How long an answer may be: more than a script takes in any language, and within what gpt-4o-mini can write."""


class OpenAIWriter:
    """A `ScriptWriter` and a `Preflight`.

    Args:
        client: of the server.
        model: that writes.
        repairs: how often an answer that is no usable script is asked for again in one try.
    """

    name = PROVIDER

    def __init__(self, client: Client, model: str, repairs: int) -> None:
        self._client = client
        self._chat = Chat(client, model)
        self._served = model
        self._repairs = repairs

    @property
    def model(self) -> str:
        """The model and the instructions that it is given."""
        return f"{self._served} instructions-{openai_messages.version()}"

    async def preflight(self) -> None:
        """Raises `Unavailable` where the key, the model or the address is wrong."""
        await check_served(self._client, self._served)

    async def write(self, brief: Brief, bill: Bill) -> Draft:
        """Has the script written and put right; one call where the first answer is good.

        A script of the right form that never comes to the right length is taken as near as it came.
        """
        messages = openai_messages.order(brief)
        near: list[Draft] = []
        wrong, room = "", 1
        for _ in range(1 + self._repairs):
            try:
                reply = await self._chat.ask(_question(brief, messages, room), bill)
            except StageError:
                if near:
                    break
                raise
            try:
                draft = _draft(reply, brief)
            except openai_answer.Unusable as problem:
                wrong, room = str(problem), room * (1 + reply.is_cut_off)
                again = openai_messages.cut_off(brief) if reply.is_cut_off else openai_messages.unusable(brief, wrong)
            else:
                if _missed(draft, brief) == 0:
                    return draft
                near.append(draft)
                again = openai_messages.wrong_length(brief, _words(draft))
            messages = [*openai_messages.order(brief), *_answered(reply, again)]
        if near:
            return min(near, key=lambda draft: _missed(draft, brief))
        raise Transient(f"{self._client.server.name} sent no usable script: {shortened(wrong, 200)}")


def _question(brief: Brief, messages: list[ChatCompletionMessageParam], room: int) -> Question:
    """The question with `room` times the usual length of an answer: a model that thinks aloud needs more."""
    words = Length.of(brief).words
    return Question(
        messages=messages,
        schema=openai_answer.response_format(brief.scene_count),
        ceiling=room * (BASE_TOKENS + SCENE_TOKENS * brief.scene_count + WORD_TOKENS * words),
        seed=openai_messages.seed(brief),
    )


def _draft(reply: Reply, brief: Brief) -> Draft:
    if reply.is_cut_off:
        raise openai_answer.Unusable("it was too long and broke off")
    return openai_answer.draft(reply.content, brief.scene_count)


def _answered(reply: Reply, again: str) -> list[ChatCompletionMessageParam]:
    """The last answer with what is to be put right; one that broke off is not sent back."""
    asked: ChatCompletionMessageParam = {"role": "user", "content": again}
    if reply.is_cut_off or not reply.content.strip():
        return [asked]
    return [{"role": "assistant", "content": reply.content[:KEPT_CHARACTERS]}, asked]


def _words(draft: Draft) -> int:
    return sum(word_count(scene.narration) for scene in draft.scenes)


def _missed(draft: Draft, brief: Brief) -> int:
    """By how many words the draft misses the length that is tolerated; 0 where it does not."""
    length, words = Length.of(brief), _words(draft)
    return max(length.least - words, words - length.most, 0)

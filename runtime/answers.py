"""The memory of a stage: what it answered, by the answer's derived id.

An answer is remembered before it is emitted. A redelivered record emits the same bytes and does no
work. Failures are never remembered.
"""

from dataclasses import dataclass

from runtime.errors import Transient
from runtime.objects import ObjectMissing, ObjectStore
from schemas import keys
from schemas.envelope import Envelope, MalformedEnvelope


@dataclass(frozen=True)
class Answers:
    """Remembered answers, in the object store."""

    store: ObjectStore

    async def recall(self, job_id: str, event_id: str) -> Envelope | None:
        """The remembered answer, or None; a damaged one counts as forgotten. Raises `Unavailable`."""
        try:
            return Envelope.from_structured(await self.store.get(keys.answer_key(job_id, event_id)))
        except (ObjectMissing, MalformedEnvelope):
            return None

    async def remember(self, answer: Envelope) -> Envelope:
        """Keeps the answer, and gives back the one that counts: another delivery may have been first.

        Raises:
            Unavailable: the store is away.
            Transient: the key is taken by something that is no answer, which is removed, or by an answer that
                another delivery is just writing.
        """
        key = keys.answer_key(answer.subject, answer.id)
        document = answer.structured()
        if await self.store.create(key, document, content_type="application/cloudevents+json"):
            return Envelope.from_structured(document)  # the same bytes that a redelivery will emit
        try:
            return Envelope.from_structured(await self.store.get(key))
        except MalformedEnvelope as error:
            await self.store.delete(key)
            raise Transient("the remembered answer was damaged") from error

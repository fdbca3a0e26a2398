"""What the contracts promise: ids, envelopes, unknown fields, and examples that stay readable for ever."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from schemas import keys
from schemas.documents import asyncapi, json_schemas
from schemas.envelope import Envelope, MalformedEnvelope, derive_id
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import CHAIN, JOB_TOPICS, STAGES, TOPICS, ServiceName
from tests import builders

EXAMPLES = Path("schemas/examples")
EVENTS = {topic.name: topic for topic in (*CHAIN, *JOB_TOPICS)}


def kept(old: Any, new: Any) -> Any:
    """What is left of an old document in one that may say more."""
    match old, new:
        case dict(), dict():
            return {name: kept(old[name], new[name]) for name in old if name in new}
        case list(), list():
            return [kept(before, after) for before, after in zip(old, new, strict=True)]
        case _:
            return new


def examples() -> list[Path]:
    return sorted(EXAMPLES.glob("*/*.json"))


@pytest.mark.parametrize("path", examples(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_is_read_without_loss(path: Path) -> None:
    document = json.loads(path.read_bytes())
    envelope = Envelope.from_structured(path.read_bytes())
    event = EVENTS[path.parent.name].event
    assert event is not None

    read = event.model_validate_json(envelope.data).model_dump(mode="json")

    assert envelope.type == path.parent.name
    assert kept(document["data"], read) == document["data"]
    jsonschema.validate(document["data"], json_schemas()[path.parent.name])


def test_examples_are_never_edited() -> None:
    sums = dict(
        reversed(line.split("  ", 1)) for line in (EXAMPLES / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    )
    found = {str(path.relative_to(EXAMPLES)): hashlib.sha256(path.read_bytes()).hexdigest() for path in examples()}

    assert found == sums


def test_every_event_has_an_example() -> None:
    assert {path.parent.name for path in examples()} == set(EVENTS)


@pytest.mark.parametrize("topic", EVENTS.values(), ids=lambda topic: topic.name)
def test_a_missing_required_field_breaks_the_schema(topic: object) -> None:
    name = getattr(topic, "name", "")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, json_schemas()[name])


def test_binary_mode_is_what_the_cloudevents_sdk_reads() -> None:
    envelope = builders.envelope(builders.script_written())
    headers = {name: text.encode() for name, text in envelope.headers().items()}

    event = from_binary(
        KafkaMessage(headers=headers, key=envelope.subject.encode(), value=envelope.data), JSONFormat(), CloudEvent
    )

    assert (event.get_id(), event.get_type(), event.get_subject()) == (envelope.id, envelope.type, envelope.subject)
    assert event.get_time() == envelope.time
    assert ScriptWritten.model_validate(event.get_data()) == builders.script_written()


def test_both_modes_keep_everything() -> None:
    envelope = builders.envelope(builders.script_written(), causation_id="cause", redrives=2)
    headers = [(name, text.encode()) for name, text in envelope.headers().items()]

    assert Envelope.from_kafka(headers, envelope.data) == envelope
    assert Envelope.from_structured(envelope.structured()) == envelope


@given(
    st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=40)), max_size=12), st.binary() | st.none()
)
def test_hostile_headers_are_malformed_or_read(headers: list[tuple[str, bytes | None]], value: bytes | None) -> None:
    prefixed = [(f"ce_{name}", raw) for name, raw in headers]
    with pytest.raises(MalformedEnvelope):
        Envelope.from_kafka(prefixed, value)


@pytest.mark.parametrize("document", [b"", b"[]", b"1", b"{}", b'{"data": 1}', b"\xff", b'{"specversion": "0.3"}'])
def test_a_broken_document_is_malformed(document: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        Envelope.from_structured(document)


def test_ids_are_derived() -> None:
    assert derive_id("images", "type", "cause", 0) == "91db63d6-213b-5724-baf8-6cd0b60875ee"
    assert derive_id("images", "type", "cause", 1) != derive_id("images", "type", "cause", 0)


def test_unknown_fields_travel_the_whole_chain() -> None:
    newer = builders.script_written().model_copy(update={"mood": "calm"})
    images = newer.grown(ImagesRendered, scenes=builders.images_rendered().scenes)

    assert images.model_dump()["mood"] == "calm"


def test_a_later_event_leaves_behind_what_is_not_needed() -> None:
    request = builders.video_requested(source_text="A long article.")
    script = request.grown(
        ScriptWritten,
        **{
            name: getattr(builders.script_written(), name)
            for name in ("title", "description", "writer", "look", "scenes")
        },
    )

    assert "source_text" not in script.model_dump()


def test_keys_depend_on_everything_an_artefact_is_made_from() -> None:
    recipe = {"model": "flux", "prompt": "a reef", "seed": 1}

    assert keys.artefact_key("job", recipe) == keys.artefact_key("job", dict(reversed(recipe.items())))
    for name in recipe:
        assert keys.artefact_key("job", recipe | {name: "other"}) != keys.artefact_key("job", recipe)


def test_every_stage_reads_one_topic_of_the_chain_and_writes_the_next() -> None:
    for stage, (read, written) in zip(STAGES, pairwise(CHAIN), strict=True):
        assert stage in read.consumers
        assert written.producers == (stage,)
    assert all(ServiceName.GATEWAY in topic.consumers for topic in EVENTS.values())


def test_asyncapi_has_a_channel_with_a_message_for_every_topic() -> None:
    document = asyncapi("1")

    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    for topic in EVENTS:
        assert document["components"]["messages"][topic]["payload"]["schema"]["properties"]["job_id"]

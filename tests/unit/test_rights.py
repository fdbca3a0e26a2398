"""The rights at Kafka: as docs/security.md lists them, and no more than who reads and writes what."""

from pathlib import Path

from keyframe.rights import INIT, rights, table
from schemas.topics import DEAD_LETTERS, IMAGES_RENDERED, JOB_CANCELLED, ServiceName

DOCS = Path("docs/security.md")


def of(user: str) -> dict[str, set[str]]:
    """What a user may do, by the topic or group; names that end in * are prefixes."""
    return {f"{one.name}{'*' if one.prefixed else ''}": set(one.operations) for one in rights() if one.user == user}


def test_the_document_lists_the_rights_as_they_are() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")


def test_a_stage_reads_what_it_consumes_and_writes_what_it_says() -> None:
    assert of(ServiceName.VOICE) == {
        "keyframe.*": {"Describe"},
        "keyframe.voice": {"Read"},
        "keyframe.images.rendered.v1": {"Read"},
        "keyframe.voice.recorded.v1": {"Write"},
        "keyframe.job.progressed.v1": {"Write"},
        "keyframe.job.failed.v1": {"Write"},
        "keyframe.job.cancelled.v1": {"Read"},
        "keyframe.voice.dlq.v1": {"Write"},
    }


def test_the_gateway_sends_inputs_of_stages_again_and_writes_no_dead_letter() -> None:
    gateway = of(ServiceName.GATEWAY)

    assert gateway[IMAGES_RENDERED.name] == {"Read", "Write"}
    assert gateway[JOB_CANCELLED.name] >= {"Write"}
    assert {gateway[queue.name] == {"Read"} for queue in DEAD_LETTERS} == {True}


def test_nobody_but_the_job_that_makes_them_may_make_topics() -> None:
    assert {right.user for right in rights() if "Create" in right.operations} == {INIT}


def test_a_right_is_granted_by_the_brokers_own_program() -> None:
    (first, *_) = rights()

    assert first.arguments == (
        "--add --allow-principal User:init --operation Create --operation Describe --topic keyframe."
        " --resource-pattern-type prefixed"
    )

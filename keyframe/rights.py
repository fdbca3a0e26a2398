"""What each service's user may do at Kafka, from who writes and reads what: `python -m keyframe.rights`

It prints the arguments of `kafka-acls.sh`, a line a right. docs/security.md has them as a table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.topics import CHAIN, TOPICS, ServiceName, Topic

INIT = "init"
"""Who makes the topics, once: `python -m runtime.init`."""

PREFIX = "keyframe."
"""Of all our topics and groups."""


@dataclass(frozen=True)
class Right:
    """What one user may do with one topic or group, or with all whose names begin so."""

    user: str
    kind: str
    """"topic" or "group"."""
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False

    @property
    def arguments(self) -> str:
        """For `kafka-acls.sh --bootstrap-server … --command-config …`."""
        operations = " ".join(f"--operation {operation}" for operation in self.operations)
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        return f"--add --allow-principal User:{self.user} {operations} --{self.kind} {self.name}{pattern}"


def rights() -> Sequence[Right]:
    """The least that works. A user is named as its service."""
    return [*_of_init(), *(right for service in ServiceName for right in _of(service))]


def _of_init() -> Iterator[Right]:
    yield Right(INIT, "topic", PREFIX, ("Create", "Describe"), prefixed=True)


def _of(service: ServiceName) -> Iterator[Right]:
    operator = service is ServiceName.GATEWAY
    seen = ("Describe", "DescribeConfigs") if operator else ("Describe",)
    yield Right(service, "topic", PREFIX, seen, prefixed=True)
    yield Right(service, "group", f"{PREFIX}{service}", ("Read",))
    if operator:  # the lag of everybody
        yield Right(service, "group", PREFIX, ("Describe",), prefixed=True)
    for topic in TOPICS:
        if operations := tuple(_operations(service, topic)):
            yield Right(service, "topic", topic.name, operations)


def _operations(service: ServiceName, topic: Topic) -> Iterator[str]:
    if service in topic.consumers:
        yield "Read"
    # The gateway sends what a stage consumes again: replay and redrive.
    if service in topic.producers or (service is ServiceName.GATEWAY and topic in CHAIN[:-1]):
        yield "Write"


def table() -> str:
    """The rights as Markdown, a row for what a user may do alike."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for right in rights():
        names = alike.setdefault((right.user, ", ".join(right.operations), right.kind), [])
        names.append(f"`{right.name}{'*' if right.prefixed else ''}`")
    lines = ["| user | may | kind | names |", "| --- | --- | --- | --- |"]
    lines += [f"| {user} | {may} | {kind} | {', '.join(names)} |" for (user, may, kind), names in alike.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    for each in rights():
        print(each.arguments)

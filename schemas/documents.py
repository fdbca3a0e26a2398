"""The contracts as documents for others: JSON Schema of every event, and AsyncAPI 3 of the log.

They are generated from the topics table, because handlers that take raw bytes tell a framework nothing.
"""

from typing import Any

from schemas.topics import DEAD_LETTERS, TOPICS, Topic

Document = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_HEADERS: Document = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "Derived from the cause; the idempotency key."},
        "ce_type": {"type": "string", "description": "The topic's name."},
        "ce_source": {"type": "string", "examples": ["/keyframe/images"]},
        "ce_subject": {"type": "string", "format": "uuid", "description": "The job's id, also the record's key."},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_causationid": {"type": "string", "description": "The id of the event that this one answers."},
        "ce_redrives": {"type": "string", "description": "How often the record left a dead-letter queue."},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
    },
}


def json_schemas() -> dict[str, Document]:
    """The JSON Schema of every event's data, by topic."""
    return {topic.name: _json_schema(topic) for topic in TOPICS if topic.event is not None}


def _json_schema(topic: Topic) -> Document:
    assert topic.event is not None  # noqa: S101 - the caller has looked
    return {"$schema": DIALECT, "$id": f"urn:keyframe:{topic.name}"} | topic.event.model_json_schema()


def asyncapi(version: str) -> Document:
    """The log as AsyncAPI 3: a channel a topic, what each service sends and receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "KeyFrame",
            "version": version,
            "description": "CloudEvents 1.0 in Kafka's binary mode; the key of every record is the job's id.",
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": "localhost:9092", "protocol": "kafka"}},
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: body for topic in TOPICS for name, body in _operations(topic)},
        "components": {"messages": {topic.name: _message(topic) for topic in TOPICS}},
    }


def _channel(topic: Topic) -> Document:
    return {
        "address": topic.name,
        "description": topic.meaning,
        "messages": {"record": {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": topic.retention_ms,
                },
            }
        },
    }


def _message(topic: Topic) -> Document:
    message: Document = {"name": topic.name, "summary": topic.meaning}
    if topic in DEAD_LETTERS:
        return message | {"description": "Bytes and headers as they came, and `keyframe_*` headers that say why."}
    payload = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": _json_schema(topic)}
    return message | {"contentType": "application/json", "headers": _HEADERS, "payload": payload}


def _operations(topic: Topic) -> list[tuple[str, Document]]:
    reference = {"channel": {"$ref": f"#/channels/{topic.name}"}}
    sends = [(f"{service}.sends.{topic.name}", {"action": "send", **reference}) for service in topic.producers]
    receives = [(f"{service}.receives.{topic.name}", {"action": "receive", **reference}) for service in topic.consumers]
    return sends + receives

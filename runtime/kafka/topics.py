"""Topics are created by us alone, as schemas/topics.py has them."""

import contextlib
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, NoError, TopicAlreadyExistsError, for_code

from runtime.errors import Unavailable
from runtime.kafka.connection import Connection
from runtime.kafka.refusals import DENIED, denied, unreachable
from schemas.topics import Topic


async def ensure_topics(connection: Connection, topics: Sequence[Topic]) -> None:
    """Creates the topics that are not there yet; those that are stay as they are. Raises `Unavailable`."""
    admin = AIOKafkaAdminClient(**connection.options)
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [_new_topic(topic) for topic in topics if topic.name not in there]
        if missing:
            answer: Any = await admin.create_topics(missing)
            for _, code, *_ in answer.topic_errors:
                if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                    raise for_code(code)
    except KafkaConnectionError as error:
        raise await unreachable(connection) from error
    except DENIED as error:
        raise denied("make topics") from error
    except (KafkaError, OSError) as error:
        raise Unavailable(
            f"Kafka at {connection.bootstrap} gives no topics ({type(error).__name__})", on="kafka"
        ) from error
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await admin.close()


def _new_topic(topic: Topic) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=-1,  # the cluster's default, which aiokafka takes only with an assignment
        replica_assignments={},
        topic_configs={
            "retention.ms": str(topic.retention_ms),
            "cleanup.policy": "compact" if topic.compacted else "delete",
        },
    )

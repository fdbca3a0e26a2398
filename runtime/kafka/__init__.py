"""Kafka by FastStream and aiokafka: the only package that imports them.

What is chosen against the libraries' defaults: `NACK_ON_ERROR` with our own settling, a commit inside
the hand, a drain before partitions are given away, topics created by us alone. docs/adr/0002 says why.
"""

from runtime.kafka.admin import Lag
from runtime.kafka.connection import Connection, kafka_connection
from runtime.kafka.consumer import Consumer, Subscription
from runtime.kafka.log import KafkaLog
from runtime.kafka.reader import Location, Offsets, Reader
from runtime.kafka.tail import Tail
from runtime.kafka.topics import ensure_topics

__all__ = [
    "Connection",
    "Consumer",
    "KafkaLog",
    "Lag",
    "Location",
    "Offsets",
    "Reader",
    "Subscription",
    "Tail",
    "ensure_topics",
    "kafka_connection",
]

"""Why brokers do not let us in: one sentence, and what mends it. aiokafka tells it to its log alone."""

import ssl
from typing import Any

from aiokafka import conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from runtime.errors import Unavailable
from runtime.kafka.connection import Connection

PROBE_MS = 5_000

DENIED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)

_OTHER_NAME = (62, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


async def unreachable(connection: Connection) -> Unavailable:
    """Knocks at each broker of the bootstrap, and says what the first that does not let us in says."""
    aiokafka: Any = conn
    options = {name: value for name, value in connection.options.items() if name != "bootstrap_servers"}
    for host, port, _ in aiokafka.collect_hosts(connection.bootstrap, randomize=False):
        try:
            (await aiokafka.create_conn(host, port, request_timeout_ms=PROBE_MS, **options)).close()
        except (KafkaError, OSError, TimeoutError) as error:
            return _said(f"Kafka at {host}:{port}", error, connection)
    return Unavailable(
        f"Kafka at {connection.bootstrap} does not answer: where that lasts, check KEYFRAME_KAFKA_SECURITY_PROTOCOL",
        on="kafka",
    )


def denied(what: str) -> Unavailable:
    """Our user lacks a right."""
    return Unavailable(
        f"Kafka does not let our user {what}: give it the rights that docs/security.md lists", on="kafka", refused=True
    )


def _said(broker: str, error: Exception, connection: Connection) -> Unavailable:
    match error:
        case SaslAuthenticationFailed() | AuthenticationFailedError():
            said = "refuses the user or the password: check KEYFRAME_KAFKA_SASL_USERNAME, KEYFRAME_KAFKA_SASL_PASSWORD"
        case UnsupportedSaslMechanismError() | IllegalSaslStateError():
            said = f"does not take {connection.mechanism}: check KEYFRAME_KAFKA_SASL_MECHANISM"
        case ssl.SSLCertVerificationError(verify_code=code) if code in _OTHER_NAME:
            said = "has a certificate for another name: check KEYFRAME_KAFKA_BOOTSTRAP"
        case ssl.SSLCertVerificationError():
            said = "has a certificate of an unknown authority, or an expired one: check KEYFRAME_KAFKA_CA_FILE"
        case ssl.SSLError():
            said = "does not agree on TLS: check KEYFRAME_KAFKA_SECURITY_PROTOCOL, KEYFRAME_KAFKA_CERT_FILE"
        case ConnectionRefusedError() | TimeoutError():
            return Unavailable(f"{broker} does not answer", on="kafka")
        case OSError():
            return Unavailable(
                f"{broker} cannot be reached: check KEYFRAME_KAFKA_BOOTSTRAP and the network", on="kafka"
            )
        case _:  # it took the connection and hung up: a starting broker does, and one that expects another protocol
            return Unavailable(
                f"{broker} hangs up: where that lasts, check KEYFRAME_KAFKA_SECURITY_PROTOCOL", on="kafka"
            )
    return Unavailable(f"{broker} {said}", on="kafka", refused=True)

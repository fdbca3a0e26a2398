"""How Kafka is reached: its brokers, and who we are to them."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from runtime.settings import CommonSettings, InvalidSetting

_MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}

_OF_SASL = ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password")
_OF_TLS = ("kafka_ca_file", "kafka_cert_file", "kafka_key_file")


@dataclass(frozen=True)
class Connection:
    """Brokers and credentials."""

    bootstrap: str
    """host:port of one broker or more, separated by commas."""
    tls: ssl.SSLContext | None = None
    """What the brokers' certificates are checked by; None is no TLS."""
    mechanism: str | None = None
    """How we say who we are: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; None is not at all."""
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def security(self) -> BaseSecurity:
        """The same for FastStream."""
        if self.mechanism is None:
            return BaseSecurity(ssl_context=self.tls, use_ssl=self.tls is not None)
        kind = _MECHANISMS[self.mechanism]
        return kind(self.username, self.password, ssl_context=self.tls, use_ssl=self.tls is not None)

    @property
    def options(self) -> dict[str, Any]:
        """The same for a client of aiokafka."""
        names = {
            (False, False): "PLAINTEXT",
            (False, True): "SSL",
            (True, False): "SASL_PLAINTEXT",
            (True, True): "SASL_SSL",
        }
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": names[self.mechanism is not None, self.tls is not None],
            "ssl_context": self.tls,
        }
        if self.mechanism is not None:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options


def kafka_connection(common: CommonSettings) -> Connection:
    """The brokers that the settings name.

    Raises:
        InvalidSetting: what is needed to reach them is missing, something is set that would not be used, or a
            certificate cannot be read.
    """
    sasl, tls = common.kafka_security_protocol.startswith("SASL"), common.kafka_security_protocol.endswith("SSL")
    _refuse_unused(common, (() if sasl else _OF_SASL) + (() if tls else _OF_TLS))
    context = _tls(common) if tls else None
    if not sasl:
        return Connection(common.kafka_bootstrap, context)
    if common.kafka_sasl_username is None or common.kafka_sasl_password is None:
        raise InvalidSetting(
            "KEYFRAME_KAFKA_SASL_USERNAME, KEYFRAME_KAFKA_SASL_PASSWORD: both, for"
            f" KEYFRAME_KAFKA_SECURITY_PROTOCOL={common.kafka_security_protocol}"
        )
    return Connection(
        common.kafka_bootstrap,
        context,
        common.kafka_sasl_mechanism,
        common.kafka_sasl_username,
        # A password that is read from a file often ends in a line break.
        common.kafka_sasl_password.get_secret_value().strip(),
    )


def _refuse_unused(common: CommonSettings, names: Sequence[str]) -> None:
    """Whoever names a password or an authority believes that it protects something."""
    unused = [f"KEYFRAME_{name}".upper() for name in names if name in common.model_fields_set]
    if unused:
        raise InvalidSetting(
            f"{', '.join(unused)}: not used with KEYFRAME_KAFKA_SECURITY_PROTOCOL={common.kafka_security_protocol};"
            " name a protocol that uses it, or unset it"
        )


def _tls(common: CommonSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=common.kafka_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSetting(f"KEYFRAME_KAFKA_CA_FILE: it cannot be read ({type(error).__name__})") from None
    if common.kafka_cert_file is None:
        if common.kafka_key_file is not None:
            raise InvalidSetting("KEYFRAME_KAFKA_KEY_FILE: not used without KEYFRAME_KAFKA_CERT_FILE")
    else:
        try:
            # An encrypted key would be asked for on the terminal.
            context.load_cert_chain(common.kafka_cert_file, common.kafka_key_file, password="")
        except (OSError, ssl.SSLError) as error:
            raise InvalidSetting(
                f"KEYFRAME_KAFKA_CERT_FILE, KEYFRAME_KAFKA_KEY_FILE: they cannot be read ({type(error).__name__})"
            ) from None
    return context

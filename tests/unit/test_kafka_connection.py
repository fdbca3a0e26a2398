"""Settings of Kafka: what the protocol would not use is refused, and so is what is missing."""

import pytest

from runtime.kafka import Connection, kafka_connection
from runtime.settings import CommonSettings, InvalidSetting

PREFIX = "KEYFRAME_KAFKA_"
LOGIN = {"SASL_USERNAME": "images", "SASL_PASSWORD": "s3cret"}


def connected(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Connection:
    for name, text in settings.items():
        monkeypatch.setenv(f"{PREFIX}{name}", text)
    return kafka_connection(CommonSettings())


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        (LOGIN, "SASL_USERNAME SASL_PASSWORD"),
        ({"SASL_MECHANISM": "PLAIN"}, "SASL_MECHANISM"),
        ({"CA_FILE": "ca.pem"}, "CA_FILE"),
        ({"CERT_FILE": "own.pem", "KEY_FILE": "key.pem"}, "CERT_FILE KEY_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", **LOGIN}, "SASL_USERNAME SASL_PASSWORD"),
        ({"SECURITY_PROTOCOL": "SASL_PLAINTEXT", **LOGIN, "CA_FILE": "ca.pem"}, "CA_FILE"),
    ],
)
def test_what_the_protocol_does_not_use_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], unused: str
) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        connected(monkeypatch, settings)

    protocol, names = settings.get("SECURITY_PROTOCOL", "PLAINTEXT"), [f"{PREFIX}{name}" for name in unused.split()]
    assert str(refusal.value) == (
        f"{', '.join(names)}: not used with {PREFIX}SECURITY_PROTOCOL={protocol};"
        " name a protocol that uses it, or unset it"
    )


def test_a_key_without_its_certificate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSetting, match=f"^{PREFIX}KEY_FILE: not used without {PREFIX}CERT_FILE$"):
        connected(monkeypatch, {"SECURITY_PROTOCOL": "SSL", "KEY_FILE": "key.pem"})


def test_what_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    every = ("SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD", "CA_FILE", "CERT_FILE", "KEY_FILE")

    connection = connected(monkeypatch, dict.fromkeys(every, ""))

    assert (connection.mechanism, connection.tls) == (None, None)


def test_what_the_protocol_uses_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = connected(monkeypatch, {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", **LOGIN})

    assert (plain.mechanism, plain.username, plain.password, plain.tls) == ("SCRAM-SHA-512", "images", "s3cret", None)

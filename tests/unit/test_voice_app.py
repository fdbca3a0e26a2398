"""The voice service's settings, and the speakers that they name."""

import pytest
from pydantic import SecretStr

from runtime.settings import InvalidSetting
from services.voice.app import VoiceSettings, speakers
from services.voice.ports import Speaker

KEYS = {"AWS_ACCESS_KEY_ID": " AKIATEST\n", "AWS_SECRET_ACCESS_KEY": "se/cr+et\r\n"}


def chain(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[Speaker, ...]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return speakers(VoiceSettings())


def test_the_offline_voice_speaks_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [speaker.name for speaker in chain(monkeypatch)] == ["offline"]


@pytest.mark.parametrize("provider", ["polly,offline", " polly , offline "])
def test_a_chain_keeps_its_order(monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    found = chain(monkeypatch, KEYFRAME_VOICE_PROVIDER=provider, **KEYS)
    assert [speaker.name for speaker in found] == ["polly", "offline"]


def test_polly_speaks_with_the_engine_and_the_voice_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"POLLY_ENGINE": "long-form", "POLLY_VOICE": " Ruth ", "AWS_REGION": "eu-west-1"}
    (polly,) = chain(monkeypatch, KEYFRAME_VOICE_PROVIDER="polly", **environment)
    assert polly.model == "long-form-Ruth"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"KEYFRAME_VOICE_PROVIDER": "polly,polly"}, "KEYFRAME_VOICE_PROVIDER"),
        ({"KEYFRAME_VOICE_PROVIDER": "pally"}, "provider"),
        ({"KEYFRAME_VOICE_PROVIDER": "polly", "POLLY_ENGINE": "nueral"}, "POLLY_ENGINE"),
        ({"KEYFRAME_VOICE_PROVIDER": "polly", "AWS_REGION": "Frankfurt"}, "AWS_REGION"),
        ({"KEYFRAME_VOICE_PROVIDER": "polly", "AWS_ACCESS_KEY_ID": "AKIATEST"}, "AWS_SECRET_ACCESS_KEY"),
        ({"KEYFRAME_VOICE_PROVIDER": "polly", **KEYS, "AWS_SECRET_ACCESS_KEY": "se\ncret"}, "AWS_SECRET_ACCESS_KEY"),
        ({"KEYFRAME_VOICE_PROVIDER": "polly", "AWS_ENDPOINT_URL_POLLY": "http://me:se@cret"}, "AWS_ENDPOINT_URL_POLLY"),
    ],
)
def test_what_cannot_be_is_named_and_not_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    with pytest.raises(InvalidSetting, match=f"(?i){named}") as refusal:
        chain(monkeypatch, **environment)
    assert "cret" not in str(refusal.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_settings_do_not_show_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    settings = VoiceSettings()
    assert isinstance(settings.aws_access_key_id, SecretStr)
    assert "AKIATEST" not in repr(settings)
    assert "cr+et" not in repr(settings)

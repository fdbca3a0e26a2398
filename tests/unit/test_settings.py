"""Settings: each is in .env.example, none has two meanings."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

import keyframe.cli  # noqa: F401 - imports every settings class there is
from runtime.settings import CommonSettings, InvalidSetting, ProviderSettings, Settings, StageSettings
from services.gateway.app import GatewaySettings
from services.storage.app import StorageSettings

EXAMPLE = Path(".env.example")


def concrete(base: type[Settings] = Settings) -> list[type[Settings]]:
    """Every class of settings that is read somewhere."""
    found = [sub for direct in base.__subclasses__() for sub in (direct, *concrete(direct))]
    return [each for each in found if each not in (StageSettings, ProviderSettings)]


def names(settings: type[BaseSettings]) -> set[str]:
    """The environment variables that a class reads."""
    prefix = settings.model_config.get("env_prefix", "")
    found: set[str] = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            found |= {str(choice).upper() for choice in alias.choices}
        else:
            found.add(str(alias or f"{prefix}{name}").upper())
    return found


def test_the_example_names_every_setting_and_nothing_else() -> None:
    listed = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    read = set().union(*(names(each) for each in concrete()))

    assert listed == read


def test_an_empty_setting_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYFRAME_LOG_LEVEL", "")

    assert CommonSettings().log_level == "info"


def test_a_wrong_setting_is_named_and_its_value_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYFRAME_GATEWAY_PORT", "port")
    monkeypatch.setenv("KEYFRAME_API_TOKEN", "s3cret")

    with pytest.raises(InvalidSetting) as refusal:
        GatewaySettings()
    assert str(refusal.value) == (
        "KEYFRAME_GATEWAY_PORT: Input should be a valid integer, unable to parse string as an integer; "
        "KEYFRAME_API_TOKEN: a token has at least 8 characters"
    )


def test_a_drain_that_is_no_longer_than_a_try_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYFRAME_STORAGE_DEADLINE", "900")

    with pytest.raises(InvalidSetting, match=r"KEYFRAME_STORAGE_DRAIN: .*KEYFRAME_STORAGE_DEADLINE"):
        StorageSettings()
    monkeypatch.setenv("KEYFRAME_STORAGE_DRAIN", "960")
    assert StorageSettings().drain == 960

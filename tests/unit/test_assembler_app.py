"""The assembler's settings."""

from pathlib import Path

import pytest

from runtime.settings import InvalidSetting
from schemas.topics import VIDEO_ASSEMBLED, VOICE_RECORDED, ServiceName
from services.assembler.app import AssemblerSettings, build


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFMPEG_PATH", "/opt/ffmpeg")
    monkeypatch.setenv("KEYFRAME_ASSEMBLER_PRESET", "small")
    monkeypatch.setenv("KEYFRAME_ASSEMBLER_SCRATCH", "renders")
    settings = AssemblerSettings()
    assert settings.ffmpeg_path == "/opt/ffmpeg"
    assert settings.preset == "small"
    assert settings.scratch == Path("renders")


def test_an_unknown_preset_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYFRAME_ASSEMBLER_PRESET", "ultrafast")
    with pytest.raises(InvalidSetting, match="KEYFRAME_ASSEMBLER_PRESET"):
        AssemblerSettings()


def test_the_stage_stands_between_voice_and_storage() -> None:
    stage = build(AssemblerSettings())
    assert (stage.name, stage.consumes, stage.emits) == (ServiceName.ASSEMBLER, VOICE_RECORDED, VIDEO_ASSEMBLED)

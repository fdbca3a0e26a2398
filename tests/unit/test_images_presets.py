"""The presets of image APIs, the prompts they are sent, and the settings that pick them."""

from typing import Any

import pytest
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming
from pydantic import TypeAdapter

from runtime.settings import InvalidSetting
from schemas.media import AspectRatio
from services.images.app import ImagesSettings, build, painters
from services.images.looks import looks
from services.images.ports import PictureRequest
from services.images.presets import Size, presets
from services.images.prompts import image_prompt
from services.images.refused_elsewhere import RefusedElsewhere

NEBIUS: dict[str, Any] = {"provider": ("nebius",), "NEBIUS_API_KEY": "key"}


@pytest.mark.parametrize("preset", ["nebius", "compatible"])
@pytest.mark.parametrize("ratio", list(AspectRatio))
def test_free_sizes_are_asked_for_as_they_are(preset: str, ratio: AspectRatio) -> None:
    assert presets()[preset].sizes.covering(ratio.keyframe_size) == ratio.keyframe_size


@pytest.mark.parametrize(
    ("asked", "covering"),
    [
        (AspectRatio.LANDSCAPE.keyframe_size, (1536, 1024)),
        (AspectRatio.PORTRAIT.keyframe_size, (1024, 1536)),
        (AspectRatio.SQUARE.keyframe_size, (1024, 1024)),
    ],
)
def test_of_fixed_sizes_the_nearest_shape_is_asked_for(asked: Size, covering: Size) -> None:
    assert presets()["openai"].sizes.covering(asked) == covering


@pytest.mark.parametrize(
    ("asked", "covering"), [((1300, 700), (1344, 704)), ((4096, 2048), (2048, 1024)), ((10, 2000), (64, 2048))]
)
def test_other_sizes_are_rounded_up_and_kept_within_bounds(asked: Size, covering: Size) -> None:
    assert presets()["nebius"].sizes.covering(asked) == covering


@pytest.mark.parametrize("name", ["openai", "compatible"])
def test_requests_in_openais_own_shape_are_valid_by_its_sdk(name: str) -> None:
    body = presets()[name].parameters((1024, 1024), seed=7)
    whole = {"prompt": "A fox.", "model": "gpt-image-1", **body}
    # validation drops what the SDK does not know
    assert TypeAdapter(ImageGenerateParamsNonStreaming).validate_python(whole) == whole


@pytest.mark.parametrize("look", sorted(looks()))
@pytest.mark.parametrize("text", ["", "A fox. ", "fox " * 5000, "x" * 9000, "a\x00cat\u202e\ud83d"])
def test_a_prompt_fits_and_keeps_the_look(look: str, text: str) -> None:
    prompt = image_prompt(PictureRequest(text, look, 64, 64, 1), 600)
    assert 0 < len(prompt) <= 600
    assert prompt.endswith(f"{looks()[look].prompt}, no text, letters or logos")
    assert prompt.isprintable()
    prompt.encode()


def test_a_scene_stands_before_the_look() -> None:
    assert image_prompt(PictureRequest(" A  fox\n. ", "glow", 64, 64, 1), 600).startswith("A fox. polished")


def test_a_chain_is_read_from_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYFRAME_IMAGES_PROVIDER", "nebius, offline")
    monkeypatch.setenv("NEBIUS_API_KEY", "key\n")
    monkeypatch.setenv("NEBIUS_MODEL", "black-forest-labs/flux-dev")
    first, second = painters(ImagesSettings())
    assert [(first.name, first.model), second.name] == [("nebius", "black-forest-labs/flux-dev"), "offline"]


@pytest.mark.parametrize("chain", ["nebius,nebius", "midjourney", "nebius,", ","])
def test_a_chain_that_cannot_be_names_its_setting(monkeypatch: pytest.MonkeyPatch, chain: str) -> None:
    monkeypatch.setenv("KEYFRAME_IMAGES_PROVIDER", chain)
    with pytest.raises(InvalidSetting, match="KEYFRAME_IMAGES_PROVIDER"):
        ImagesSettings()


def test_a_refusal_goes_to_the_offline_painter_by_setting() -> None:
    (painter,) = painters(ImagesSettings(**NEBIUS, refused="offline"))
    assert isinstance(painter, RefusedElsewhere)
    assert (painter.name, painter.other.name) == ("nebius", "offline")


def test_a_preset_without_an_address_asks_for_one() -> None:
    with pytest.raises(InvalidSetting, match="KEYFRAME_IMAGES_BASE_URL"):
        build(ImagesSettings(provider=("compatible",), model="flux"))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("NEBIUS_API_KEY", "two words"),
        ("NEBIUS_API_KEY", "ключ"),
        ("NEBIUS_BASE_URL", "ftp://example.org"),
        ("NEBIUS_BASE_URL", "https://user:word@example.org/v1/"),
        ("NEBIUS_MODEL", "a model"),
    ],
)
def test_a_setting_that_cannot_be_is_named_and_not_told(setting: str, value: str) -> None:
    given: dict[str, Any] = {**NEBIUS, setting: value}
    with pytest.raises(InvalidSetting, match=setting) as wrong:
        ImagesSettings(**given)
    assert value not in str(wrong.value)


def test_the_keys_of_one_provider_are_not_sent_to_another() -> None:
    given: dict[str, Any] = {**NEBIUS, "provider": ("openai",), "NEBIUS_API_KEY": "nebius-key"}
    (painter,) = painters(ImagesSettings(**given))
    assert "nebius-key" not in repr(vars(painter))
    assert getattr(painter, "_server").key is None  # noqa: B009

"""The gateway's settings."""

import asyncio
import os
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from runtime.settings import InvalidSetting
from services.gateway.app import GatewaySettings
from services.gateway.estimate import Model


def test_a_token_loses_the_line_break_of_its_file():
    settings = GatewaySettings(api_token=SecretStr("long enough\n"))
    assert settings.api_token == SecretStr("long enough")


@pytest.mark.parametrize("token", [" " * 20, "short", "short     \n"])
def test_a_token_that_anybody_guesses_is_refused(token: str):
    with pytest.raises(InvalidSetting, match="at least 8 characters"):
        GatewaySettings(api_token=SecretStr(token))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway"])  # noqa: S104 - what is refused
@pytest.mark.parametrize(
    "paid",
    [{"script_provider": ("openai",)}, {"images_provider": ("offline", "nebius")}, {"voice_provider": ("polly",)}],
)
def test_strangers_cannot_spend_money(host: str, paid: Any):
    with pytest.raises(InvalidSetting) as refusal:
        GatewaySettings(gateway_host=host, **paid)
    assert str(refusal.value).startswith("KEYFRAME_API_TOKEN: it must be set where others can reach the gateway")
    assert "\n" not in str(refusal.value)
    assert GatewaySettings(gateway_host=host, api_token=SecretStr("long enough"), **paid).api_token is not None
    assert GatewaySettings(gateway_host=host).api_token is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_alone_no_token_is_needed(host: str):
    assert GatewaySettings(gateway_host=host, script_provider=("openai",)).api_token is None


async def test_a_process_that_refuses_to_start_says_so_in_one_line():
    environment = os.environ | {"KEYFRAME_IMAGES_PROVIDER": "nebius", "KEYFRAME_GATEWAY_HOST": "0.0.0.0"}  # noqa: S104
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode() == (
        "KEYFRAME_API_TOKEN: it must be set where others can reach the gateway (KEYFRAME_GATEWAY_HOST is 0.0.0.0)"
        " and videos may cost money (nebius)\n"
    )


def test_the_first_of_each_chain_is_who_is_asked():
    settings = GatewaySettings(images_provider=("nebius", "offline"), voice_provider=("polly",))
    assert settings.models == {
        "script": Model("offline", "gpt-4o-mini"),
        "images": Model("nebius", "black-forest-labs/flux-schnell"),
        "voice": Model("polly", "neural"),
    }


def test_models_go_by_the_vendors_names(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "KEYFRAME_SCRIPT_PROVIDER": "openai",
        "KEYFRAME_IMAGES_PROVIDER": "compatible, offline",
        "KEYFRAME_VOICE_PROVIDER": "polly",
        "OPENAI_MODEL": "gpt-4o",
        "KEYFRAME_IMAGES_MODEL": "sdxl",
        "POLLY_ENGINE": "generative",
    }.items():
        monkeypatch.setenv(name, value)
    assert list(GatewaySettings().models.values()) == [
        Model("openai", "gpt-4o"),
        Model("compatible", "sdxl"),
        Model("polly", "generative"),
    ]

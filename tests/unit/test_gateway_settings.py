"""The gateway's settings."""

import pytest
from pydantic import SecretStr

from runtime.settings import InvalidSetting
from services.gateway.app import GatewaySettings


def test_a_token_loses_the_line_break_of_its_file():
    settings = GatewaySettings(api_token=SecretStr("long enough\n"))
    assert settings.api_token == SecretStr("long enough")


@pytest.mark.parametrize("token", [" " * 20, "short", "short     \n"])
def test_a_token_that_anybody_guesses_is_refused(token: str):
    with pytest.raises(InvalidSetting, match="at least 8 characters"):
        GatewaySettings(api_token=SecretStr(token))

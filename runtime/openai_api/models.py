"""Which models a server offers: the question that costs nothing and tells a wrong key, address or model."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from runtime.errors import Permanent, Transient
from runtime.openai_api.client import Client
from runtime.openai_api.refusals import NoRoute, NoScope, Refused

_LATEST = ":latest"
"""The tag that Ollama lists and nobody writes."""


class _Model(BaseModel):
    id: str


class _List(BaseModel):
    data: tuple[_Model, ...]


async def check_served(client: Client, model: str | None) -> None:
    """Returns where the server would serve us, as far as it tells.

    Servers that have no list of models, and keys that may not read it, are given the benefit of the doubt.

    Args:
        client: of the server.
        model: that is wanted; None where any will do.

    Raises:
        Unavailable: a wrong key, an unknown model, an address that cannot be reached or is no API, or a server
            that fails: the next record would meet the same.
    """
    server = client.server
    try:
        answer = await client.ask(lambda sdk: sdk.models.with_raw_response.list())
    except (NoScope, Refused):
        return
    except NoRoute:
        if server.is_openai or not urlsplit(server.base_url).path.strip("/"):
            raise
        return
    except (Permanent, Transient) as error:
        raise server.unavailable(str(error)) from error
    try:
        offered = {served.id for served in _List.model_validate_json(answer.text).data}
    except ValidationError:
        foreign = f"what answers is no OpenAI-compatible API: check {server.url_variable}, which usually ends in /v1"
        raise server.refusing(foreign) from None
    if model is not None and offered and not offered & {model, f"{model}{_LATEST}"}:
        message = f"{server.name} does not offer the model {server.clean(model)}: check {server.model_variable}"
        raise server.refusing(message)

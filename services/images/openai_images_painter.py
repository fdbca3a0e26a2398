"""A painter over any image API in OpenAI's shape, as its preset describes it: Flux on Nebius, and others."""

import asyncio
import base64
import binascii
import io
import time
from collections.abc import AsyncIterator

import httpx
import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError, Timeout
from PIL import Image, ImageOps
from pydantic import BaseModel, ValidationError

from runtime.bill import Bill
from runtime.errors import Transient, Unavailable
from runtime.limits import Limiter
from schemas.costs import Charge
from schemas.prices import usd
from services.images.fetch import CONNECT_SECONDS, MAX_BYTES, fetch, trust
from services.images.image_server import ImageServer, failure
from services.images.picture import check_picture
from services.images.ports import Painted, PictureRequest
from services.images.presets import Preset, Size
from services.images.prompts import image_prompt

ONE_IMAGE = {"images": 1.0}

MAX_ANSWER_BYTES = MAX_BYTES * 4 // 3 + 100_000
"""A picture in base64, and the JSON around it."""

PREFLIGHT_SECONDS = 15.0

FETCH_AGAIN_SECONDS = 0.5


class _Item(BaseModel):
    b64_json: str | None = None
    url: str | None = None


class _Answer(BaseModel):
    data: list[_Item]


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class OpenAIImagesPainter:
    """Asks for one picture a call, and cuts it to the asked size where the provider has only sizes of its own.

    Args:
        deadline: seconds that one picture may take in all, after it has its place among the calls.
    """

    def __init__(self, preset: Preset, server: ImageServer, model: str, limiter: Limiter, deadline: float) -> None:
        self._preset = preset
        self._server = server
        self._model = model
        self._limiter = limiter
        self._deadline = deadline
        self._trust = trust()  # here, because it takes too long for the event loop

    @property
    def name(self) -> str:
        """The preset's name."""
        return self._preset.name

    @property
    def model(self) -> str:
        """The model, as the provider names it."""
        return self._model

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        """A picture as the provider encoded it, or a PNG where it had to be cut.

        Raises:
            Refused: the provider will not paint this.
            Transient, Permanent, Unavailable: as `failure` has it.
        """
        prompt = image_prompt(request, self._preset.prompt_characters)
        asked = (request.width, request.height)
        size = self._preset.sizes.covering(asked)
        async with self._limiter.call():
            bill.reserve(usd(self.name, self.model, ONE_IMAGE))
            data = await self._picture(prompt, self._preset.parameters(size, request.seed), bill)
        return Painted(data if size == asked else await asyncio.to_thread(_cut, data, size, asked), self.name)

    async def preflight(self) -> None:
        """Asks for the list of models, which is free. A server without such a list passes.

        Raises:
            Unavailable: it would not serve us.
        """
        unavailable: Unavailable | None = None
        try:
            async with asyncio.timeout(PREFLIGHT_SECONDS):
                models = _models(await self._model_list())
        except (OpenAIError, httpx2.HTTPError, TimeoutError) as error:
            if getattr(error, "status_code", None) in (404, 405, 501):
                return
            reason = failure(error, self._server)
            unavailable = reason if isinstance(reason, Unavailable) else Unavailable(str(reason), on=self.name)
        else:
            if models and self.model not in models:
                unavailable = Unavailable(
                    f"{self.name} has no model {self.model}: check {self._server.model_variable}",
                    on=self.name,
                    refused=True,
                )
        if unavailable:
            raise unavailable

    async def _model_list(self) -> bytes:
        async with self._client() as client, client.models.with_streaming_response.list() as response:
            return await response.read()

    async def _picture(self, prompt: str, parameters: dict[str, object], bill: Bill) -> bytes:
        """The picture of one paid call."""
        try:
            async with asyncio.timeout(self._deadline):
                item = await asyncio.to_thread(_item, await self._answer(prompt, parameters, bill))
                return await self._fetched(item) if isinstance(item, str) else item
        except (OpenAIError, httpx2.HTTPError, TimeoutError) as error:
            wrong = failure(error, self._server)
        raise wrong  # here, so that it does not carry the SDK's error, which carries our key

    async def _answer(self, prompt: str, parameters: dict[str, object], bill: Bill) -> bytes:
        """The answer's body. An answer that begins with success is paid for, whatever follows."""
        began = time.monotonic()
        async with self._client() as client:
            generate = client.images.with_streaming_response.generate
            async with generate(model=self.model, prompt=prompt, extra_body=parameters) as response:
                try:
                    return await response.read()
                finally:
                    price, seconds = usd(self.name, self.model, ONE_IMAGE), time.monotonic() - began
                    bill.charge(
                        Charge(provider=self.name, model=self.model, units=ONE_IMAGE, usd=price, seconds=seconds)
                    )

    async def _fetched(self, address: str) -> bytes:
        """What lies at the address. It is paid for, so a second look is cheaper than another picture."""
        own = httpx.URL(self._server.base_url)
        try:
            return await fetch(address, own)
        except Transient:
            await asyncio.sleep(FETCH_AGAIN_SECONDS)
        return await fetch(address, own)

    def _client(self) -> AsyncOpenAI:
        """A client of its own for each call: no idle connection that the other side has closed meanwhile."""
        timeout = Timeout(None, connect=CONNECT_SECONDS)
        client = AsyncOpenAI(
            api_key=self._server.key or "none",  # the SDK wants one; some servers ask for none
            base_url=self._server.base_url,
            max_retries=0,
            timeout=timeout,
            default_headers={"Accept-Encoding": "identity"},
            http_client=DefaultAsyncHttpxClient(
                verify=self._trust, timeout=timeout, follow_redirects=False, event_hooks={"response": [_bound]}
            ),
        )
        # The SDK takes these from OPENAI_* in the environment and would tell them to any other provider.
        client.organization = client.project = None
        return client


class _Bounded(httpx2.AsyncByteStream):
    """The stream of an answer, cut off where it is longer than an answer can be."""

    def __init__(self, response: httpx2.Response, stream: httpx2.AsyncByteStream) -> None:
        self._response = response
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for piece in self._stream:
            received += len(piece)
            if received > MAX_ANSWER_BYTES:
                raise httpx2.RemoteProtocolError("the answer is too long", request=self._response.request)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    """A hook: no answer, good or bad, fills the memory. Compressed ones, which were not asked for, are refused."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.DecodingError("the answer came compressed", request=response.request)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response, response.stream)


def _item(body: bytes) -> bytes | str:
    """The picture, or its address, of an answer. Raises `Transient` where there is neither."""
    try:
        item = _Answer.model_validate_json(body).data[0]
        if item.b64_json:
            return base64.b64decode(item.b64_json.rpartition("base64,")[2], validate=True)
        if item.url:
            return item.url
    except (ValidationError, IndexError, binascii.Error):
        pass
    raise Transient("the painter's answer holds no picture")


def _models(body: bytes) -> frozenset[str]:
    """The ids in a list of models; none where it is no such list."""
    try:
        return frozenset(model.id for model in _Models.model_validate_json(body).data)
    except ValidationError:
        return frozenset()


def _cut(data: bytes, size: Size, asked: Size) -> bytes:
    """The middle of a picture, scaled to the asked size. Raises `Transient` where it has not the size it should."""
    check_picture(data, *size)
    cut = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        ImageOps.fit(picture.convert("RGB"), asked, Image.Resampling.LANCZOS).save(cut, "PNG")
    return cut.getvalue()

"""Wikipedia as the encyclopedia, over MediaWiki's action API (mediawiki.org/wiki/API).

Two kinds of request: the pages that a search finds, then the plain text of the first that is about
the topic (the API gives the whole text of one page at a time).
"""

import asyncio
import re

import httpx

from runtime.errors import Permanent, Transient, Unavailable
from runtime.retry_after import retry_after
from schemas.media import Attribution
from services.script.mediawiki import Answer, Page, parse
from services.script.plain_text import one_line, shortened
from services.script.ports import Article
from services.script.prompts import stems

LICENCE = "CC BY-SA 4.0"
"""Of the text of every Wikipedia (foundation.wikimedia.org, Terms of Use, section 7)."""

MAX_BYTES = 4_000_000

MAX_QUERY_CHARACTERS = 200
"""The search refuses more than 300."""

FOUND_PAGES, READ_PAGES = 5, 3
"""How many pages a search gives, and how many of them are read at most."""

MAX_LAG = 5
"""Seconds that the servers may lag before they turn us away, as the API's etiquette asks."""

OPENING_CHARACTERS = 600
"""Where an article says what it is about."""

_ON = "wikipedia"
_BUSY = frozenset({403, 408, 429, 500, 502, 503, 504})
"""Refusals that the next request would meet too; 403 is how a missing contact is answered."""

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_OPERATORS = re.compile(r"[^\w\s'’.-]|(?<!\w)[-.]|_")
"""What the search would read as an operator."""

_AMBIGUOUS = re.compile(r"\b(?:may|can|could) (?:also |commonly )?refer to\b[^.\n]{0,80}(?:\n|$)")


class Wikipedia:
    """An `Encyclopedia`.

    Args:
        url: the action API, with `{language}` where the edition stands.
        contact: how Wikipedia's operators reach whoever runs this.
        deadline: seconds that one look-up may take in all.
    """

    def __init__(self, url: str, contact: str, deadline: float) -> None:
        self._url = url
        self._agent = f"KeyFrame/0.1 (contact: {contact or 'not set'}) python-httpx/{httpx.__version__}"
        self._deadline = deadline

    async def find(self, topic: str, language: str) -> Article:
        """The article about `topic` in the language's own edition. Raises the three errors."""
        edition = language.casefold().split("-")[0]
        if not _LANGUAGE.fullmatch(edition):
            raise Permanent(f"there is no Wikipedia in the language {shortened(one_line(language), 20)}")
        try:
            async with asyncio.timeout(self._deadline), self._client() as client:
                page = await self._page(client, self._url.replace("{language}", edition), topic)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise Permanent("Wikipedia cannot be reached from here") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise Unavailable("Wikipedia does not answer in time", on=_ON) from error
        except httpx.HTTPError as error:
            raise Transient("the connection to Wikipedia broke off") from error
        if page is None:
            raise Permanent(f"Wikipedia has no article about “{shortened(topic, 60)}”")
        return Article(page.extract, Attribution(title=page.title, url=page.fullurl, licence=LICENCE))

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers={"User-Agent": self._agent}, timeout=self._deadline)

    async def _page(self, client: httpx.AsyncClient, url: str, topic: str) -> Page | None:
        """The first page of a search that is about the topic, with its text."""
        query = " ".join(_OPERATORS.sub(" ", topic[:MAX_QUERY_CHARACTERS]).split())
        if not query:
            return None
        found = await _ask(
            client, url, generator="search", gsrsearch=query, gsrnamespace="0", gsrlimit=str(FOUND_PAGES),
            prop="info|pageprops", inprop="url", ppprop="disambiguation",
        )  # fmt: skip
        pages = sorted((page for page in found.query.pages if not page.is_ambiguous), key=lambda page: page.index)
        for page in pages[:READ_PAGES]:
            texts = await _ask(
                client, url, pageids=str(page.pageid), prop="extracts|info", explaintext="1", inprop="url"
            )
            for read in texts.query.pages:
                if _is_about(topic, read):
                    return read
        return None


async def _ask(client: httpx.AsyncClient, url: str, **parameters: str) -> Answer:
    fixed = {"action": "query", "format": "json", "formatversion": "2", "redirects": "1", "maxlag": str(MAX_LAG)}
    async with client.stream("GET", url, params=fixed | parameters) as response:
        if response.status_code in _BUSY:
            raise _unavailable(response)
        if not response.is_success:
            raise Transient(f"Wikipedia answered with the status {response.status_code}")
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                raise Transient("Wikipedia sent more than an article can be")
    answer = parse(bytes(body))
    if answer.error is None:
        return answer
    if answer.error.passes:
        raise _unavailable(response)
    raise Transient(f"Wikipedia's API refused the look-up ({shortened(one_line(answer.error.code), 40)})")


def _is_about(topic: str, page: Page) -> bool:
    """Whether the title and the opening name at least half of the topic's words; a list of namesakes never does."""
    opening = page.extract[:OPENING_CHARACTERS]
    named, asked = set(stems(f"{page.title} {opening}")), stems(topic)
    return not _AMBIGUOUS.search(opening) and 2 * sum(word in named for word in asked) >= len(asked)


def _unavailable(response: httpx.Response) -> Unavailable:
    return Unavailable(
        f"Wikipedia turns us away for now (status {response.status_code})",
        on=_ON,
        retry_after=retry_after(response.headers),
    )

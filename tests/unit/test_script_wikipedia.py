"""Wikipedia's answers, good and bad, over a real connection to a stand-in."""

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import pytest_asyncio
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from runtime.errors import Permanent, Transient, Unavailable
from schemas.options import styles
from services.script.offline_writer import OfflineWriter
from services.script.ports import Brief
from services.script.wikipedia import MAX_BYTES, Wikipedia
from tests.builders import unbilled
from tests.wikipedia_server import DISAMBIGUATION, Page, WikipediaServer, refusal, wikipedia_server

TEXT = """Mercury is the first planet from the Sun. It is the smallest planet in the Solar System.

== Name ==
The planet is named after a Roman god.

== References ==
Smith, J. wrote this."""

PLANET = Page(30, "Mercury (planet)", TEXT, "mercury planet")
METAL = Page(20, "Mercury (element)", "Mercury is a chemical element and a metal.", "mercury planet element")
NAMESAKES = Page(10, "Mercury", "Mercury may refer to:\nMercury (planet)\n", "mercury planet", DISAMBIGUATION)
UNMARKED = Page(11, "Mercury things", "Mercury commonly may refer to\nplanet Mercury", "mercury planet")


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[WikipediaServer]:
    async with wikipedia_server() as running:
        yield running


def wikipedia(server: WikipediaServer, deadline: float = 20.0) -> Wikipedia:
    return Wikipedia(server.url, "ops@example.org", deadline)


async def test_the_article_comes_with_its_text_and_its_attribution(server: WikipediaServer) -> None:
    server.pages = [PLANET]
    article = await wikipedia(server).find("planet Mercury", "en")
    assert article.text == TEXT
    assert article.attribution.title == "Mercury (planet)"
    assert article.attribution.url == "https://en.wikipedia.org/wiki/Mercury_(planet)"
    assert article.attribution.licence == "CC BY-SA 4.0"


async def test_the_offline_writer_tells_the_article_without_its_references(server: WikipediaServer) -> None:
    server.pages = [PLANET]
    brief = Brief("Make a video about the planet Mercury", styles()["Educational"], "en", 3)
    draft = await OfflineWriter(wikipedia(server)).write(brief, unbilled())
    assert [scene.narration for scene in draft.scenes] == [
        "Mercury is the first planet from the Sun.",
        "It is the smallest planet in the Solar System.",
        "The planet is named after a Roman god.",
    ]
    assert [one.title for one in draft.attributions] == ["Mercury (planet)"]


async def test_it_asks_as_the_api_expects(server: WikipediaServer) -> None:
    server.pages = [PLANET]
    await wikipedia(server).find("planet Mercury", "de-AT")
    search, read = server.asked
    assert search["edition"] == "de"
    assert (search["generator"], search["gsrnamespace"], search["formatversion"]) == ("search", "0", "2")
    assert (read["pageids"], read["explaintext"], read["maxlag"]) == ("30", "1", "5")
    assert all("ops@example.org" in agent and agent.startswith("KeyFrame/") for agent in server.agents)


async def test_operators_of_the_search_are_not_passed_on(server: WikipediaServer) -> None:
    with pytest.raises(Permanent, match="no article"):
        await wikipedia(server).find('insource:/x/ -"planet" ~mercury! ' + "x" * 500, "en")
    query = server.asked[0]["gsrsearch"]
    assert query.startswith("insource x planet mercury")
    assert len(query) <= 200


async def test_lists_of_namesakes_are_passed_over(server: WikipediaServer) -> None:
    server.pages = [NAMESAKES, UNMARKED, PLANET]
    assert (await wikipedia(server).find("Mercury planet", "en")).attribution.title == "Mercury (planet)"


async def test_the_order_is_that_of_the_search(server: WikipediaServer) -> None:
    server.pages = [PLANET, METAL]
    assert (await wikipedia(server).find("Mercury", "en")).attribution.title == "Mercury (planet)"


async def test_an_article_about_something_else_is_not_taken(server: WikipediaServer) -> None:
    server.pages = [Page(1, "List of bridges", "Bridges are built over rivers.", "grandmother restaurant revenue")]
    with pytest.raises(Permanent, match="Wikipedia has no article about “grandmother restaurant revenue”"):
        await wikipedia(server).find("grandmother restaurant revenue", "en")


async def test_nothing_found_is_permanent(server: WikipediaServer) -> None:
    with pytest.raises(Permanent, match="no article"):
        await wikipedia(server).find("qwzx", "en")
    with pytest.raises(Permanent, match="no article"):
        await wikipedia(server).find("!!!", "en")


@pytest.mark.parametrize("language", ["evil.example/", "", "e", "x-klingon", "../en"])
async def test_a_language_is_no_way_to_another_host(server: WikipediaServer, language: str) -> None:
    with pytest.raises(Permanent, match="no Wikipedia in the language"):
        await wikipedia(server).find("Mercury", language)
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "retry_after"),
    [
        (PlainTextResponse("slow down", 429, headers={"Retry-After": "7"}), 7.0),
        (PlainTextResponse("down", 503), None),
        (HTMLResponse("<html>Wikimedia Error</html>", 502), None),
        (PlainTextResponse("set a user agent", 403), None),
        (refusal("maxlag", retry_after="5"), 5.0),
        (refusal("ratelimited", retry_after="soon"), None),
    ],
)
async def test_being_turned_away_is_unavailable(
    server: WikipediaServer, answer: Response, retry_after: float | None
) -> None:
    server.answer = answer
    with pytest.raises(Unavailable) as caught:
        await wikipedia(server).find("Mercury", "en")
    assert (caught.value.on, caught.value.retry_after) == ("wikipedia", retry_after)


async def test_a_wait_can_be_given_as_a_date(server: WikipediaServer) -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.answer = PlainTextResponse("later", 503, headers={"Retry-After": in_an_hour})
    with pytest.raises(Unavailable) as caught:
        await wikipedia(server).find("Mercury", "en")
    assert 3000 < (caught.value.retry_after or 0) <= 3600


@pytest.mark.parametrize(
    "answer",
    [
        HTMLResponse("<html>Please log in to the hotel's network</html>"),
        PlainTextResponse("[]", media_type="application/json"),
        PlainTextResponse('{"query": {"pages": [{"pageid": "x"}]}}', media_type="application/json"),
        PlainTextResponse('{"query": {"pages": ', media_type="application/json"),
        PlainTextResponse("gone", 404),
        RedirectResponse("http://127.0.0.1:9/elsewhere"),
        refusal("invalidparammix", retry_after=""),
        PlainTextResponse(b"x" * (MAX_BYTES + 1)),
    ],
)
async def test_an_unusable_answer_is_transient(server: WikipediaServer, answer: Response) -> None:
    server.answer = answer
    with pytest.raises(Transient):
        await wikipedia(server).find("Mercury", "en")


async def test_a_broken_connection_is_transient(server: WikipediaServer) -> None:
    server.drop = True
    with pytest.raises(Transient, match="broke off"):
        await wikipedia(server).find("Mercury", "en")


async def test_a_late_answer_is_unavailable(server: WikipediaServer) -> None:
    server.delay = 30.0
    with pytest.raises(Unavailable, match="does not answer in time"):
        await wikipedia(server, deadline=0.2).find("Mercury", "en")


async def test_no_network_is_permanent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/w/api.php"
        with pytest.raises(Permanent, match="cannot be reached"):
            await Wikipedia(url, "", 20.0).find("Mercury", "en")

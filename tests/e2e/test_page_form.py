"""The page's form in a real browser: what is sent, what is refused, and where that is said."""

import asyncio

from playwright.async_api import FilePayload, Route, expect

from tests.e2e.conftest import PROMPT, Site, submit
from tests.e2e.fake_gateway import FIRST_JOB, Refusal


async def test_a_refused_field_is_marked_where_it_is(site: Site) -> None:
    page = await site.open()
    errors = ({"pointer": "#/scene_count", "detail": "At most 7 here."}, {"pointer": "/nowhere", "detail": "And this."})
    site.gateway.refusal = Refusal(422, "The request is not valid.", errors)
    await submit(page)
    await expect(page.locator("#scene_count-error")).to_have_text("At most 7 here.")
    await expect(page.locator("#scene_count")).to_be_focused()
    await expect(page.locator("#scene_count")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_have_text("The request is not valid. And this.")
    await expect(page.locator("#announcer")).to_have_text("scene count: At most 7 here.")

    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#scene_count-error")).to_have_text("")
    await page.get_by_role("button", name="Go").click()
    await expect(page.locator("#job-title")).to_have_text(PROMPT)
    (_, refused), (_, accepted) = site.gateway.submitted
    assert (refused["scene_count"], accepted["scene_count"]) == (10, 9)


async def test_the_length_can_be_chosen(site: Site) -> None:
    page = await site.open()
    await page.locator("summary").click()
    await page.get_by_label("Length").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#target_seconds-value")).to_have_text("about 65 s")
    await expect(page.locator("#options-summary")).to_contain_text("10 scenes · 65 s")
    errors = ({"pointer": "#/target_seconds", "detail": "At most 60 here."},)
    site.gateway.refusal = Refusal(422, "The request is not valid.", errors)
    await submit(page)
    await expect(page.locator("#target_seconds-error")).to_have_text("At most 60 here.")
    assert site.gateway.submitted[0][1]["target_seconds"] == 65


async def test_what_is_empty_or_too_long_is_not_sent(site: Site) -> None:
    page = await site.open()
    await page.get_by_role("button", name="Go").click()
    await expect(page.locator("#prompt-error")).to_contain_text("Say in a few words")
    await expect(page.locator("#prompt")).to_be_focused()
    await submit(page, "🦊" * 2_003)
    await expect(page.locator("#prompt-count")).to_have_text("2,003 / 2,000")
    await expect(page.locator("#prompt-error")).to_have_text("Too long by 3 characters.")
    assert site.gateway.submitted == []


async def test_a_prompt_pasted_over_several_lines_is_sent_as_one(site: Site) -> None:
    page = await site.open()
    await submit(page, " Otters\n\thold hands ")
    await expect(page.locator("#job-title")).to_have_text("Otters hold hands")
    assert site.gateway.submitted[0][1]["prompt"] == "Otters hold hands"


async def test_a_cap_says_when_to_try_again(site: Site) -> None:
    page = await site.open()
    site.gateway.refusal = Refusal(429, "Five videos are being made already.", retry_after=30)
    await submit(page)
    await expect(page.get_by_role("alert")).to_have_text("Five videos are being made already. Try again in 30 s.")


async def test_a_text_file_dropped_on_the_page_is_the_source(site: Site) -> None:
    page = await site.open()
    drop = """text => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], "article.txt", {type: "text/plain"}));
        const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
        document.body.dispatchEvent(new DragEvent("drop", options));
    }"""
    await page.evaluate(drop, "A lens bends light.")
    await expect(page.get_by_label("Source text")).to_have_value("A lens bends light.")
    await expect(page.locator("#source_text-count")).to_have_text("19 / 50,000")
    binary = FilePayload(name="picture.txt", mimeType="text/plain", buffer=b"\xff\xfe\x00")
    await page.locator("#source-file").set_input_files(binary)
    await expect(page.locator("#source_text-error")).to_have_text("picture.txt is not a UTF-8 text file.")
    await submit(page)
    await expect(page.locator("#job")).to_be_visible()
    assert site.gateway.submitted[0][1]["source_text"] == "A lens bends light."


async def test_a_token_is_asked_for_once_and_kept_for_the_tab(site: Site) -> None:
    site.gateway.token = "open sesame"
    page = await site.open()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Access token").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("That token was not accepted.")
    await dialog.get_by_label("Access token").fill("open sesame")
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await page.reload()
    await submit(page)
    await expect(page.locator("#job-title")).to_have_text(PROMPT)
    await expect(dialog).to_be_hidden()


async def test_who_is_faster_than_the_choices_sends_the_first_of_them(site: Site) -> None:
    asked_for, sent = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked_for.set()
        await sent.wait()
        await route.continue_()

    await site.context.route("**/api/v1/styles", late)
    page = await site.open()
    await asked_for.wait()
    await submit(page)
    await expect(page.get_by_role("button", name="Sending…")).to_be_disabled()
    assert not site.gateway.submitted
    sent.set()
    await expect(page.locator("#job-title")).to_have_text(PROMPT)
    assert site.gateway.submitted[0][1]["style"] == "Educational"


async def test_a_declined_token_is_asked_for_again_only_by_go(site: Site) -> None:
    site.gateway.token = "open sesame"
    page = await site.open()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Not now").click()
    await expect(page.locator("#feed-note")).to_have_text("The videos could not be loaded.")
    await page.goto(f"{site.address}/#/job/{FIRST_JOB}")
    await expect(page.locator("#failure-message")).to_have_text("A token is needed.")
    await expect(dialog).to_be_hidden()
    await page.get_by_role("link", name="New video").click()
    await submit(page)
    await dialog.get_by_label("Access token").fill("open sesame")
    await page.keyboard.press("Enter")
    await expect(page.locator("#job-title")).to_have_text(PROMPT)


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(site: Site) -> None:
    page = await site.open()
    await page.route("**/generate", lambda route: route.abort(), times=1)
    keys: list[str] = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key", "")))
    await submit(page)
    await expect(page.get_by_role("alert")).to_contain_text("it will not be made twice")
    await page.get_by_role("button", name="Go").click()
    await expect(page.locator("#job-title")).to_have_text(PROMPT)
    first, second = filter(None, keys)
    assert first == second


async def test_the_page_works_where_nothing_can_be_stored(site: Site) -> None:
    denied = "get() { throw new DOMException('denied', 'SecurityError'); }"
    await site.context.add_init_script(
        f"for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {{{denied}}});"
    )
    page = await site.open()
    await submit(page)
    await expect(page.locator("#job-title")).to_have_text(PROMPT)
    await expect(page.locator(".strip")).to_have_count(1)

"""The page in a real browser: a job from its request to its video, and the feed."""

import asyncio
import re

from playwright.async_api import Dialog, ViewportSize, expect

from tests.e2e.conftest import PLAY, PROMPT, Site, submit
from tests.e2e.fake_gateway import FIRST_JOB, Refusal

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> {\\b1} \u202eevil"
CUES = """video => new Promise(done => {
    const { track } = video.querySelector("track");
    const look = () => (track.cues?.length ? done([...track.cues].map(cue => cue.text)) : requestAnimationFrame(look));
    look();
})"""
PHONE = ViewportSize(width=360, height=740)


async def test_a_prompt_sent_by_the_keyboard_becomes_a_video_that_plays(site: Site) -> None:
    page = await site.open()
    await expect(page.get_by_role("radio", name="Educational")).to_be_checked()
    await page.get_by_label("What should it be about?").focus()
    await page.keyboard.type(PROMPT)
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await expect(page.locator("summary")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(page.locator("#job-title")).to_have_text(PROMPT)
    await expect(page).to_have_url(re.compile(f"#/job/{FIRST_JOB}$"))
    ((_, body),) = site.gateway.submitted
    expected = {"prompt": PROMPT, "style": "Storytelling", "aspect_ratio": "16:9", "voice": "aria", "language": "en"}
    assert body == expected | {"scene_count": 10, "target_seconds": 60, "source_text": None}

    site.gateway.complete(FIRST_JOB)
    await expect(page.locator("#player")).to_be_visible()
    async with asyncio.timeout(15):
        assert await page.locator("#video").evaluate(PLAY) >= 2
        assert await page.locator("#video").evaluate(CUES) == ["A light", "far out"]
    await expect(page.get_by_role("link", name="Download")).to_have_attribute(
        "href", f"{site.address}/files/video.mp4?download=true"
    )
    await expect(page.locator("#announcer")).to_have_text("The video is ready.")


async def test_the_keyframes_appear_as_they_are_painted(site: Site) -> None:
    site.gateway.add_job()
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#job-now")).to_have_text("In the queue")
    await expect(page.locator(".tile")).to_have_count(3)
    await expect(page.locator(".tile-painted")).to_have_count(0)

    for painted, scene in enumerate((2, 1, 3), start=1):
        site.gateway.paint(FIRST_JOB, scene)
        await expect(page.get_by_alt_text(f"Keyframe of scene {scene}")).to_be_visible()
        await expect(page.locator(".tile-painted")).to_have_count(painted)
        await expect(page.locator("#job-now")).to_have_text(f"Painting the keyframes: {painted} of 3")
        await expect(page.locator("#progress-bar")).to_have_attribute("value", str(10 + 10 * painted))
    await expect(page.locator("#stages .stage-done")).to_have_text(["Script7.5 s"])
    await expect(page.locator("#stages [aria-current=step]")).to_contain_text("Images")


async def test_it_says_who_is_waited_for(site: Site) -> None:
    site.gateway.add_job()
    waiting = {"on": "Polly", "reason": "too many requests", "since": "2025-11-22T18:01:00Z", "next_try": None}
    site.gateway.advance(FIRST_JOB, "voice", 50, waiting_for=waiting)
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#waiting")).to_have_text(
        re.compile(r"^Waiting for Polly since .*: too many requests\.$")
    )
    await expect(page.locator("#announcer")).to_contain_text("Waiting for Polly")
    site.gateway.advance(FIRST_JOB, "voice", 60, waiting_for=None)
    await expect(page.locator("#waiting")).to_be_hidden()


async def test_a_failure_is_explained_and_leads_back_to_the_form(site: Site) -> None:
    error = {"code": "permanent", "message": "There is no article on this topic.", "stage": "script"}
    site.gateway.add_job(status="failed", stage="script", error=error, style="Meme")
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#failure")).to_contain_text("There is no article on this topic.")
    await expect(page.locator(".stage-failed")).to_contain_text("Script")
    await page.get_by_role("button", name="Change it and try again").click()
    await expect(page.get_by_label("What should it be about?")).to_have_value(PROMPT)
    await expect(page.get_by_role("radio", name="Meme")).to_be_checked()


async def test_a_job_is_stopped_once_the_user_has_confirmed_it(site: Site) -> None:
    site.gateway.add_job()
    page = await site.open(f"#/job/{FIRST_JOB}")
    button = page.get_by_role("button", name="Stop this video")
    asked = list[str]()
    answers = iter([False, True, True, True])

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.accept() if next(answers) else dialog.dismiss())

    page.on("dialog", answer)
    await button.click()
    assert site.gateway.jobs[FIRST_JOB]["status"] == "queued"
    site.gateway.refusal = Refusal(503, "Kafka does not take records.")
    await button.click()
    await expect(button).to_be_enabled()
    await button.click()

    await expect(page.locator("#failure")).to_contain_text("This video was cancelled.")
    await expect(button).to_be_hidden()
    assert asked == ["Stop making this video?"] * 2 + ["Kafka does not take records.", "Stop making this video?"]


async def test_the_sources_are_named(site: Site) -> None:
    source = {"title": "Fresnel lens", "url": "https://en.wikipedia.org/wiki/Fresnel_lens", "licence": "CC BY-SA 4.0"}
    site.gateway.add_job(attributions=[source])
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#sources-list")).to_have_text("Fresnel lens · CC BY-SA 4.0")
    await expect(page.get_by_role("link", name="Fresnel lens")).to_have_attribute("href", source["url"])


async def test_what_a_stand_in_made_and_what_it_cost_are_told(site: Site) -> None:
    site.gateway.add_job()
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#job-now")).to_have_text("In the queue")
    await expect(page.locator("#cost")).to_be_hidden()
    await expect(page.locator("#stand-ins")).to_be_hidden()
    job = site.gateway.jobs[FIRST_JOB]
    job["degraded"] = [
        {"scene": 2, "stage": "images", "reason": "Nebius is away"},
        {"scene": None, "stage": "script", "reason": "OpenAI is away"},
    ]
    job["costs"] = {"usd": 0.0143, "by_stage": {"script": 0.0013, "images": 0.013}, "complete": False}
    site.gateway.complete(FIRST_JOB)
    await expect(page.locator("#stand-ins-list li")).to_have_text(
        ["Images · scene 2 · Nebius is away", "Script · OpenAI is away"]
    )
    await expect(page.locator("#cost")).to_have_text(
        "Cost: $0.0143 and what has no known price (Script $0.0013, Images $0.0130)"
    )
    await page.get_by_role("link", name="New video").click()
    site.gateway.add_job(f"{FIRST_JOB[:-1]}2")
    await page.goto(f"{site.address}/#/job/{FIRST_JOB[:-1]}2")
    await expect(page.locator("#job-now")).to_have_text("In the queue")
    await expect(page.locator("#cost")).to_be_hidden()
    await expect(page.locator("#stand-ins")).to_be_hidden()


async def test_a_lost_connection_is_shown_and_recovers(site: Site) -> None:
    site.gateway.add_job()
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#job-now")).to_have_text("In the queue")
    await site.context.set_offline(True)
    await expect(page.locator("#connection")).to_have_text("KeyFrame cannot be reached. Trying again…")
    site.gateway.complete(FIRST_JOB)
    await site.context.set_offline(False)
    await expect(page.locator("#player")).to_be_visible()
    await expect(page.locator("#connection")).to_be_hidden()


async def test_the_feed_comes_back_with_the_connection(site: Site) -> None:
    site.gateway.publish(1)
    await site.context.route("**/api/**", lambda route: route.abort())
    page = await site.open()
    await expect(page.locator("#connection")).to_be_visible()
    await expect(page.locator("#feed-note")).to_have_text("The videos could not be loaded.")
    await site.context.unroute("**/api/**")
    await expect(page.locator(".feed-card")).to_have_count(1)
    await expect(page.locator("#connection")).to_be_hidden()


async def test_a_hidden_tab_asks_nothing_and_goes_on_when_shown(site: Site) -> None:
    site.gateway.add_job()
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page.locator("#job-now")).to_have_text("In the queue")
    hide = """hidden => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await page.evaluate(hide, True)
    reads = site.gateway.status_reads
    for progress in range(1, 7):  # A job that moves is read each second: silence is heard by listening for longer.
        site.gateway.advance(FIRST_JOB, "script", progress)
        await page.wait_for_timeout(600)
    assert site.gateway.status_reads <= reads + 1
    site.gateway.complete(FIRST_JOB)
    await page.evaluate(hide, False)
    await expect(page.locator("#player")).to_be_visible()


async def test_a_deep_link_survives_a_reload_and_an_unknown_one_is_said(site: Site) -> None:
    site.gateway.add_job(title="The glass that tamed the coast")
    site.gateway.complete(FIRST_JOB)
    page = await site.open(f"#/job/{FIRST_JOB}")
    await expect(page).to_have_title("The glass that tamed the coast · KeyFrame")
    await page.reload()
    await expect(page.locator("#player")).to_be_visible()
    await page.goto(f"{site.address}/#/job/nothing")
    await expect(page.locator("#job-title")).to_have_text("No such video")
    await expect(page.locator("#player")).to_be_hidden()


async def test_several_jobs_are_followed_and_can_be_taken_off_the_list(site: Site) -> None:
    page = await site.open()
    for prompt in ("Otters", "Salt"):
        await submit(page, prompt)
        await expect(page.locator("#job-title")).to_have_text(prompt)
        await page.get_by_role("link", name="New video").click()
        await expect(page.locator("#compose-title")).to_be_focused()
    otters, salt = site.gateway.jobs
    site.gateway.complete(otters)
    site.gateway.advance(salt, "voice", 60)
    await expect(page.locator(".strip")).to_have_text([re.compile("Salt60%"), re.compile("Ottersready")])
    await page.reload()
    await expect(page.locator(".strip")).to_have_count(2)
    await page.get_by_role("button", name="Take “Salt” off this list").click()
    await expect(page.locator(".strip")).to_have_text([re.compile("Otters")])


async def test_hostile_text_stays_text_and_hostile_addresses_stay_unused(site: Site) -> None:
    script = "javascript:alert(3)"
    keyframes = [{"scene": 1, "url": script}, {"scene": 99, "url": "http://127.0.0.1:9/x.png"}]
    urls = {"video_url": script, "thumbnail_url": "data:text/html,x", "captions": {"vtt": script, "srt": script}}
    site.gateway.add_job(title=HOSTILE, prompt=HOSTILE, style=HOSTILE, keyframes=keyframes)
    site.gateway.complete(FIRST_JOB)
    job = site.gateway.jobs[FIRST_JOB]
    job |= urls | {"attributions": [{"title": HOSTILE, "url": script, "licence": HOSTILE}]}
    job |= {"error": {"code": HOSTILE, "message": HOSTILE, "stage": HOSTILE}}
    site.gateway.publish(1, title=HOSTILE)
    page = await site.open(f"#/job/{FIRST_JOB}")
    page.on("dialog", lambda dialog: site.complaints.append(dialog.message))
    await expect(page.locator("#job-title")).to_have_text(HOSTILE)
    await expect(page.locator(".feed-card strong")).to_have_text(f"{HOSTILE} 1")
    await expect(page.locator("#sources-list")).to_have_text(f"{HOSTILE} · {HOSTILE}")
    await expect(page.locator("#player")).to_be_hidden()
    await expect(
        page.locator("main script, main [src^=javascript], main [href^=javascript], main [src=x]")
    ).to_have_count(0)


async def test_the_feed_pages_and_filters(site: Site) -> None:
    site.gateway.publish(23)
    site.gateway.publish(2, style="Meme", title="Joke")
    page = await site.open()
    cards = page.locator(".feed-card")
    await expect(cards).to_have_count(20)
    await page.get_by_role("button", name="Load more").click()
    await expect(cards).to_have_count(25)
    await expect(cards.nth(20)).to_be_focused()
    await expect(page.get_by_role("button", name="Load more")).to_be_hidden()
    await expect(cards.first).to_contain_text("1:01")
    await page.get_by_role("button", name="Meme").click()
    await expect(cards).to_have_text([re.compile("Joke 1"), re.compile("Joke 2")])
    await page.get_by_role("button", name="Storytelling").click()
    await expect(page.locator("#feed-note")).to_have_text("No Storytelling videos yet.")


async def test_nothing_overflows_a_phone(site: Site) -> None:
    site.gateway.publish(2, title="W" * 120)
    site.gateway.add_job(title="W" * 120, scene_count=20)
    site.gateway.advance(FIRST_JOB, "voice", 60)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for fragment in ("#/", f"#/job/{FIRST_JOB}"):
        page = await site.open(fragment)
        await page.set_viewport_size(PHONE)
        await expect(page.locator(".feed-card")).to_have_count(2)
        await page.locator("details").evaluate("details => details.open = true")
        assert await page.evaluate(overflow) == 0
    site.gateway.complete(FIRST_JOB)
    await expect(page.locator("#player")).to_be_visible()
    assert await page.evaluate(overflow) == 0

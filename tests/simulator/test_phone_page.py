"""The phone page in a real browser: choose a number, type, see ticks and what came back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from ava_local import browser

ANNA = "+4915112345678"
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def page() -> AsyncIterator[Page]:
    path = browser.find()
    if path is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        flags = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
        chromium = await playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=flags)
        yield await chromium.new_page()
        await chromium.close()


async def hold(page, platform, number=ANNA):
    await page.goto("about:blank")
    await page.goto(f"{platform.client.base_url}")
    await page.get_by_label("number").fill(number)
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#who")).to_contain_text("You hold the phone")


async def write(page, text):
    await page.get_by_label("Message").fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()


async def test_a_typed_message_goes_out_and_the_answer_appears(page, platform, receiver):
    await hold(page, platform, "+49 151 12345678")
    await write(page, "hello <b>Ava</b>")
    await expect(page.locator("#chat li.out")).to_contain_text("hello <b>Ava</b>")
    await expect(page.locator("#chat li.out .delivered")).to_have_text("✓✓")
    assert receiver.items()[0]["text"]["body"] == "hello <b>Ava</b>"
    assert receiver.items()[0]["from"] == ANNA.removeprefix("+")
    await platform.send("hello yourself")
    await expect(page.locator("#chat li.in")).to_contain_text("hello yourself")


async def test_being_read_and_typing_can_be_seen(page, platform, receiver):
    await hold(page, platform)
    await write(page, "hello")
    await expect(page.locator("#chat li.out .delivered")).to_be_visible()
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": receiver.items()[0]["id"]}
    await platform.graph(read | {"typing_indicator": {"type": "text"}})
    await expect(page.locator("#chat li.out .read")).to_be_visible()
    await expect(page.locator("#typing")).to_be_visible()
    await platform.send("hi")
    await expect(page.locator("#typing")).to_be_hidden()


async def test_other_kinds_of_messages_can_be_sent(page, platform, receiver):
    await hold(page, platform)
    await page.locator("#type").select_option("image")
    await write(page, "the sea")
    await expect(page.locator("#chat li.out")).to_contain_text("[image] the sea")
    await platform.quiet()
    assert receiver.items()[-1]["image"]["caption"] == "the sea"


async def test_two_phones_do_not_mix(page, platform):
    await platform.say(text="from anna")
    await hold(page, platform, "+4915100000002")
    await write(page, "from bert")
    await expect(page.locator("#chat li")).to_have_count(1)
    await hold(page, platform)
    await expect(page.locator("#chat li")).to_contain_text(["from anna"])
    await expect(page.locator("#numbers option")).to_have_count(2)


async def test_mistakes_are_said_in_words(page, platform):
    await page.goto("about:blank")
    await page.goto(f"{platform.client.base_url}")
    await write(page, "hello")
    await expect(page.locator("#problem")).to_contain_text("Choose the phone's number first")
    await page.get_by_label("number").fill("hello")
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#problem")).to_contain_text("country code")


async def test_an_attempt_that_fails_late_says_nothing_over_a_newer_one(page, platform):
    held: asyncio.Queue[Route] = asyncio.Queue()
    await hold(page, platform)
    await page.route("**/messages", held.put, times=1)
    await write(page, "too slow")
    late = await held.get()
    await page.get_by_label("number").fill("hello")
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#problem")).to_contain_text("country code")
    async with page.expect_event("requestfailed"):
        await late.abort()
    await page.evaluate("() => new Promise((later) => setTimeout(later))")
    assert "country code" in await page.locator("#problem").inner_text()


async def test_a_number_that_is_none_leaves_the_phone_in_the_hand(page, platform, receiver):
    await hold(page, platform)
    await page.get_by_label("number").fill("hello")
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#problem")).to_contain_text("country code")
    await write(page, "still me")
    await expect(page.locator("#chat li.out .delivered")).to_have_text("✓✓")
    assert receiver.items()[0]["from"] == ANNA.removeprefix("+")


async def test_news_on_the_phone_does_not_wipe_out_what_went_wrong(page, platform):
    await hold(page, platform)
    await write(page, "")
    await expect(page.locator("#problem")).to_contain_text("Type a message first.")
    await platform.say(text="from elsewhere")
    await expect(page.locator("#chat li.out")).to_contain_text("from elsewhere")
    assert "Type a message first." in await page.locator("#problem").inner_text()

"""The phone page in a real browser: choose a number, send messages, see ticks and replies."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from ava_local.devtools.chromium import find_chromium

from .conftest import Receiver, Simulator

ANNA = "+4915112345678"
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def page(processes: None) -> AsyncIterator[Page]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        flags = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
        chromium = await playwright.chromium.launch(
            executable_path=path, chromium_sandbox=False, args=flags, timeout=120_000
        )
        yield await chromium.new_page()
        await chromium.close()


async def choose_phone(page: Page, simulator: Simulator, number: str = ANNA) -> None:
    await page.goto("about:blank")
    await page.goto(f"{simulator.client.base_url}")
    await page.get_by_label("number").fill(number)
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#who")).to_contain_text("You are sending as")


async def send_text(page: Page, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()


async def test_a_typed_message_goes_out_and_the_answer_appears(
    page: Page, simulator: Simulator, receiver: Receiver
) -> None:
    await choose_phone(page, simulator, "+49 151 12345678")
    await send_text(page, "hello <b>Ava</b>")
    await expect(page.locator("#chat li.out")).to_contain_text("hello <b>Ava</b>")
    await expect(page.locator("#chat li.out .delivered")).to_have_text("✓✓")
    assert receiver.items()[0]["text"]["body"] == "hello <b>Ava</b>"
    assert receiver.items()[0]["from"] == ANNA.removeprefix("+")
    await simulator.send("hello yourself")
    await expect(page.locator("#chat li.in")).to_contain_text("hello yourself")


async def test_being_read_and_typing_can_be_seen(
    page: Page, simulator: Simulator, receiver: Receiver
) -> None:
    await choose_phone(page, simulator)
    await send_text(page, "hello")
    await expect(page.locator("#chat li.out .delivered")).to_be_visible()
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": receiver.items()[0]["id"]}
    await simulator.graph(read | {"typing_indicator": {"type": "text"}})
    await expect(page.locator("#chat li.out .read")).to_be_visible()
    await expect(page.locator("#typing")).to_be_visible()
    await simulator.send("hi")
    await expect(page.locator("#typing")).to_be_hidden()


async def test_other_types_of_messages_can_be_sent(
    page: Page, simulator: Simulator, receiver: Receiver
) -> None:
    await choose_phone(page, simulator)
    await page.locator("#type").select_option("image")
    await send_text(page, "the sea")
    await expect(page.locator("#chat li.out")).to_contain_text("[image] the sea")
    await simulator.wait_until_idle()
    assert receiver.items()[-1]["image"]["caption"] == "the sea"


async def test_two_phones_do_not_mix(page: Page, simulator: Simulator) -> None:
    await simulator.send_from_phone(text="from anna")
    await choose_phone(page, simulator, "+4915100000002")
    await send_text(page, "from bert")
    await expect(page.locator("#chat li")).to_have_count(1)
    await choose_phone(page, simulator)
    await expect(page.locator("#chat li")).to_contain_text(["from anna"])
    await expect(page.locator("#numbers option")).to_have_count(2)


async def test_mistakes_are_explained(page: Page, simulator: Simulator) -> None:
    await page.goto("about:blank")
    await page.goto(f"{simulator.client.base_url}")
    await send_text(page, "hello")
    await expect(page.locator("#problem")).to_contain_text("Choose a phone number first")
    await page.get_by_label("number").fill("hello")
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#problem")).to_contain_text("country code")


async def test_an_attempt_that_fails_late_does_not_replace_the_error_of_a_newer_one(
    page: Page, simulator: Simulator
) -> None:
    held: asyncio.Queue[Route] = asyncio.Queue()
    await choose_phone(page, simulator)
    await page.route("**/messages", held.put, times=1)
    await send_text(page, "too slow")
    late = await held.get()
    await page.get_by_label("number").fill("hello")
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#problem")).to_contain_text("country code")
    async with page.expect_event("requestfailed"):
        await late.abort()
    await page.evaluate("() => new Promise((later) => setTimeout(later))")
    assert "country code" in await page.locator("#problem").inner_text()


async def test_after_an_invalid_number_the_phone_chosen_before_still_sends(
    page: Page, simulator: Simulator, receiver: Receiver
) -> None:
    await choose_phone(page, simulator)
    await page.get_by_label("number").fill("hello")
    await page.get_by_role("button", name="Use this phone").click()
    await expect(page.locator("#problem")).to_contain_text("country code")
    await send_text(page, "still me")
    await expect(page.locator("#chat li.out .delivered")).to_have_text("✓✓")
    assert receiver.items()[0]["from"] == ANNA.removeprefix("+")


async def test_a_new_message_in_the_chat_does_not_clear_an_error(page: Page, simulator: Simulator) -> None:
    await choose_phone(page, simulator)
    await send_text(page, "")
    await expect(page.locator("#problem")).to_contain_text("Type a message first.")
    await simulator.send_from_phone(text="from elsewhere")
    await expect(page.locator("#chat li.out")).to_contain_text("from elsewhere")
    assert "Type a message first." in await page.locator("#problem").inner_text()

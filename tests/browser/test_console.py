"""The browser's console stays empty while nothing goes wrong: a reader of it looks for faults there."""

import pytest
from browser.visitor import Visitor
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from ava_local.demo.user_journey import random_phone_number
from ava_local.stack.control import Stack


@pytest.fixture
def told(visitor: Visitor) -> list[str]:
    return complaints(visitor.page)


def complaints(page: Page) -> list[str]:
    """The warnings and errors of the console from now on, and failures of scripts."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            found.append(f"{message.text} {message.location.get('url')}")

    page.on("console", note)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_nothing_is_red_for_a_stranger_and_on_the_first_day(visitor: Visitor, told: list[str]) -> None:
    visitor.open().is_out()
    visitor.arrive()
    visitor.reload_messages()
    visitor.create_avatar().link(random_phone_number())
    visitor.says("The number is linked.")
    visitor.page.goto("about:blank")  # an open page asks by itself: a 401, and then with a new access
    visitor.let_access_expire()
    visitor.open().is_in()
    visitor.fill("Log out", "Log out")
    visitor.is_out()
    visitor.open().is_out()
    assert told == []


def test_a_session_that_ended_elsewhere_is_no_failure(
    visitor: Visitor, another: Visitor, told: list[str]
) -> None:
    visitor.arrive()
    another.email, another.password = visitor.email, visitor.password
    another.open().log_in()
    another.fill("Log out", "Log out everywhere")
    another.is_out()
    visitor.let_access_expire()
    visitor.page.goto("about:blank")
    told.clear()
    visitor.open().is_out()
    assert told == []


def test_nothing_is_red_on_the_phone_page_and_the_api_reference(
    profile: BrowserContext, stack: Stack
) -> None:
    page = profile.new_page()
    told = complaints(page)
    page.goto(f"{stack.simulator_url}/#{random_phone_number()}")
    page.get_by_label("Message").fill("hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#chat li")).to_have_count(2)
    page.goto(f"{stack.public_url}/docs")
    expect(page.get_by_text("/auth/signup").first).to_be_visible()
    assert told == []

"""A search goes through a log of any length, and the list of messages is true in the meantime."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import asyncpg
from browser.visitor import Visitor
from playwright.sync_api import Locator, expect

from ava_local.stack.control import Stack

from .test_late_answers import Held


def fill_log(visitor: Visitor, stack: Stack, length: int, *rare: int) -> None:
    """So many messages at once; those with these numbers, counted from the newest, have a rare word."""

    async def fill() -> None:
        connection = await asyncpg.connect(stack.database_url())
        await connection.execute(
            "insert into public.messages (user_id, channel, role, content, created_at)"
            " select u.id, 'app', 'user', case when n = any ($2) then 'rare' else 'usual' end,"
            " now() - n * interval '1 s' from auth.users as u, generate_series(1, $3::int) as n"
            " where u.email = $1",
            visitor.email,
            rare,
            length,
        )
        await connection.close()

    with ThreadPoolExecutor(1) as beside_playwrights_loop:
        beside_playwrights_loop.submit(asyncio.run, fill()).result()


def search_for(visitor: Visitor, text: str) -> None:
    search = visitor.group("Search the messages")
    search.get_by_label("Search for").fill(text)
    search.get_by_role("button", name="Search").click()


def older(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("button", name="Show older messages")


def test_a_search_goes_on_through_a_long_log_until_it_finds_something(visitor: Visitor, stack: Stack) -> None:
    """A page of the log is found among some thousands of messages."""
    visitor.arrive()
    fill_log(visitor, stack, 13_000, 5_000, 12_000)
    search_for(visitor, "rare")
    visitor.says("Found: 1 and more.")
    older(visitor).click()
    expect(visitor.messages()).to_have_count(2)
    older(visitor).click()
    expect(older(visitor)).to_be_hidden()
    visitor.reload_messages()
    expect(older(visitor)).to_be_hidden()
    expect(visitor.messages()).to_have_count(2)
    search_for(visitor, "nowhere")
    expect(visitor.page.get_by_text("No message matches.")).to_be_visible()
    expect(older(visitor)).to_be_hidden()
    visitor.reload_messages()
    expect(older(visitor)).to_be_hidden()


def test_the_only_match_that_is_shown_is_deleted(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    fill_log(visitor, stack, 13_000, 5_000, 12_000)
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    search_for(visitor, "rare")
    visitor.says("Found: 1 and more.")
    visitor.messages().get_by_role("button", name="Delete this message").click()
    visitor.says("The message is deleted.")
    expect(visitor.messages()).to_have_count(1)
    older(visitor).click()
    expect(older(visitor)).to_be_hidden()
    visitor.messages().get_by_role("button", name="Delete this message").click()
    expect(visitor.page.get_by_text("No message matches.")).to_be_visible()
    expect(older(visitor)).to_be_hidden()


def test_more_than_a_page_may_come_into_an_empty_list(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    expect(visitor.page.get_by_text("No messages yet.")).to_be_visible()
    fill_log(visitor, stack, 60)
    expect(visitor.messages()).to_have_count(50)
    older(visitor).click()
    expect(visitor.messages()).to_have_count(60)


def test_older_matches_come_although_other_messages_come_meanwhile(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    fill_log(visitor, stack, 13_000, 5_000, 12_000)
    search_for(visitor, "rare")
    visitor.says("Found: 1 and more.")
    held = Held(visitor, f"**/messages?*cursor={quote(visitor.page.evaluate('older'))}")
    older(visitor).click()
    held.route()
    fill_log(visitor, stack, 1)
    visitor.reload_messages()
    held.route().continue_()
    expect(visitor.messages()).to_have_count(2)


def test_older_messages_of_the_person_before_are_dropped(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    fill_log(visitor, stack, 60)
    held = Held(visitor, "**/messages?*cursor=*")
    older(visitor).click()
    old = held.answered()
    visitor.fill("Log out", "Log out")
    visitor.is_out()
    held.route().fulfill(response=old)
    expect(visitor.page.locator("#older")).to_be_enabled()
    assert visitor.page.locator("#messages li").count() == 0


def test_a_search_that_fails_offers_nothing_older_until_it_is_known(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    fill_log(visitor, stack, 9_000, 8_500)
    expect(older(visitor)).to_be_visible()
    pattern = "**/messages?*text=rare*cursor=*"
    visitor.page.route(pattern, lambda route: route.abort())
    search_for(visitor, "rare")
    visitor.complains("Can't reach Ava.")
    expect(older(visitor)).to_be_hidden()
    visitor.page.unroute(pattern)
    expect(visitor.messages()).to_have_count(1)


def test_a_look_is_over_before_the_next_one_begins(visitor: Visitor) -> None:
    visitor.arrive()
    expect(visitor.page.get_by_text("No messages yet.")).to_be_visible()
    asked: list[str] = []
    visitor.page.route("**/messages?*", lambda route: asked.append(route.request.url))
    visitor.page.wait_for_timeout(7_000)
    assert len(asked) == 1

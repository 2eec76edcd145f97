"""The page says things where the eye and the focus are, keeps what was read, and fits on a phone."""

import pytest
from browser.visitor import Visitor
from playwright.sync_api import Browser, Locator, expect

from ava_local.demo.user_journey import random_phone_number
from ava_local.stack.control import Stack

PHONE = {"width": 360, "height": 640}
WRITE = """async ([from, to]) => {
    for (let i = from; i < to; i++) await ask('POST', '/messages', {content: `turn ${i}`})
}"""


def focused(visitor: Visitor) -> Locator:
    return visitor.page.locator(":focus")


@pytest.mark.parametrize("size", [PHONE, {"width": 1000, "height": 800}], ids=["phone", "screen"])
def test_success_is_said_in_view_and_beside_its_form(visitor: Visitor, size: dict[str, int]) -> None:
    visitor.page.set_viewport_size(size)  # type: ignore[arg-type]
    visitor.arrive()
    fields = {"Current_password": visitor.password, "New_password": "another-lantern-3"}
    visitor.fill("Change the password", "Change the password", **fields)
    visitor.says("The password is changed.")
    visitor.says("All other devices are logged out.")
    expect(visitor.page.get_by_role("status")).to_be_in_viewport()
    expect(visitor.group("Change the password").get_by_role("status")).to_be_visible()


def test_the_focus_and_the_title_follow_what_is_shown(visitor: Visitor) -> None:
    visitor.open()
    expect(visitor.page).to_have_title("Log in or sign up - Ava")
    assert focused(visitor).count() == 0, "a page that was only opened does not move the focus"
    visitor.sign_up().log_in()
    expect(focused(visitor)).to_contain_text("Signed in as")
    expect(visitor.page).to_have_title("Your account - Ava")
    visitor.says("You are logged in.")
    visitor.fill("Log out", "Log out")
    expect(focused(visitor)).to_have_text("Log in or sign up")
    expect(visitor.page).to_have_title("Log in or sign up - Ava")
    visitor.says("You are logged out.")


def test_a_field_is_described_by_what_is_wrong_with_it_and_told_once(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill("Sign up", "Sign up", E_mail=visitor.email, Password="short")
    visitor.complains("at least 8 characters")
    alert = visitor.page.get_by_role("alert")
    assert alert.inner_text().count("at least 8 characters") == 1
    password = visitor.group("Sign up").get_by_label("Password")
    assert (
        "8 characters" in visitor.page.locator(f"#{password.get_attribute('aria-describedby')}").inner_text()
    )
    visitor.fill("Sign up", "Sign up", E_mail=visitor.email, Password=visitor.password)
    visitor.says("Thank you.")
    assert password.get_attribute("aria-describedby") is None


def test_words_on_the_page_are_for_people(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.link("1234567")
    visitor.complains("country code")
    assert "region" not in visitor.page.get_by_role("alert").inner_text()
    visitor.page.evaluate("document.querySelector('[name=age]').removeAttribute('min')")
    place = visitor.group("Your avatar")
    place.get_by_label("Name").fill("Kim")
    place.get_by_label("Age").fill("19")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.complains("Please check what you typed:")
    assert "errors" not in visitor.page.get_by_role("alert").inner_text()


def test_an_old_error_goes_when_the_browser_stops_the_next_attempt(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill("Log in", "Log in", E_mail=visitor.email, Password="not my password")
    visitor.complains("is wrong")
    visitor.fill("Log in", "Log in", E_mail="", Password="")
    expect(visitor.page.get_by_role("alert")).to_be_empty()


def test_nothing_that_was_read_is_lost_when_the_list_refreshes(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.page.evaluate(WRITE, [0, 63])
    visitor.open()
    expect(visitor.messages()).to_have_count(50)
    visitor.page.get_by_role("button", name="Show older messages").click()
    expect(visitor.messages()).to_have_count(63)
    visitor.page.evaluate(
        "() => { for (const item of document.querySelectorAll('#messages li')) item.seen = true }"
    )
    visitor.page.evaluate(WRITE, [63, 64])
    assert visitor.reload_messages().count() == 64
    expect(visitor.messages().first).to_contain_text("turn 63")
    assert (
        visitor.page.evaluate("[...document.querySelectorAll('#messages li')].filter((i) => i.seen).length")
        == 63
    )
    visitor.page.evaluate(WRITE, [64, 130])
    assert visitor.reload_messages().count() == 130, "more than one page came at once"
    newest_first = [f"turn {number}" for number in reversed(range(130))]
    assert [text.rsplit(": ", 1)[1] for text in visitor.messages().all_inner_texts()] == newest_first
    expect(visitor.page.get_by_role("button", name="Show older messages")).to_be_hidden()


def test_what_is_deleted_or_changed_elsewhere_is_seen(visitor: Visitor) -> None:
    visitor.arrive().create_avatar()
    visitor.page.evaluate(WRITE, [0, 3])
    assert visitor.reload_messages().count() == 3
    visitor.page.evaluate(
        "async () => ask('DELETE', `/messages/${document.querySelectorAll('#messages li')[1].dataset.id}`)"
    )
    visitor.page.evaluate("async () => ask('PATCH', '/profile/avatar', { name: 'Nora' })")
    visitor.group("Your avatar").get_by_label("Looks").fill("being typed")
    expect(visitor.messages()).to_have_count(2)
    expect(visitor.page.get_by_text("This is Nora, 27, witty.")).to_be_visible()
    expect(visitor.group("Your avatar").get_by_label("Looks")).to_have_value("being typed")


def test_a_change_on_another_device_is_not_overwritten_unseen(visitor: Visitor) -> None:
    visitor.arrive()
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()
    place = visitor.group("Your avatar")
    created = "{ name: 'Nora', age: 30, personality: 'calm', physical_description: '' }"
    visitor.page.evaluate(f"async () => ask('PUT', '/profile/avatar', {created})")
    place.get_by_label("Name").fill("Mira")
    place.get_by_label("Age").fill("27")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.complains("Your avatar was created elsewhere meanwhile.")
    expect(place.get_by_label("Name")).to_have_value("Nora")
    visitor.page.evaluate("async () => ask('PATCH', '/profile/avatar', { age: 31 })")
    place.get_by_label("Name").fill("Mira")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.complains("Your avatar was changed or deleted elsewhere meanwhile.")
    expect(place.get_by_label("Name")).to_have_value("Nora")
    place.get_by_label("Name").fill("Mira")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.says("The avatar is saved.")
    expect(visitor.page.get_by_text("This is Mira, 31, calm.")).to_be_visible()


def test_line_breaks_are_kept_and_the_avatar_is_named(visitor: Visitor) -> None:
    visitor.arrive().create_avatar()
    visitor.fill("Write a message", "Send", Message="first line\n  second line")
    visitor.says("Sent.")
    assert "first line\n  second line" in visitor.messages().first.inner_text()
    (message,) = visitor.page.request.get(f"{visitor.form}/messages").json()["messages"]
    avatar = visitor.page.request.get(f"{visitor.form}/profile/avatar").json()
    assert message["avatar_id"] == avatar["id"]


def test_nothing_is_wider_than_a_phone(visitor: Visitor) -> None:
    visitor.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    width = "document.documentElement.scrollWidth"
    visitor.email = f"{'a' * 60}@{'b' * 60}.example"
    visitor.open()
    assert visitor.page.evaluate(width) <= PHONE["width"]
    visitor.sign_up().log_in().create_avatar()
    visitor.fill("Write a message", "Send", Message="W" * 500)
    visitor.says("Sent.")
    visitor.link(random_phone_number())
    visitor.says("The number is linked.")
    assert visitor.page.evaluate(width) <= PHONE["width"]


def test_without_javascript_both_pages_say_so(window: Browser, stack: Stack) -> None:
    context = window.new_context(java_script_enabled=False)
    for address in (stack.public_url, stack.simulator_url, f"{stack.public_url}/docs"):
        page = context.new_page()
        page.goto(address)
        words = page.locator("noscript p")  # text locators pass over noscript
        expect(words).to_be_visible()
        expect(words).to_contain_text("This page needs JavaScript.")
        assert page.get_by_role("button").count() == 0, "nothing to press that does nothing"
    context.close()


@pytest.mark.parametrize("typed", ["015112345678", "+0151 1234567", "hello"])
def test_the_phone_page_refuses_a_number_that_cannot_exist(window: Browser, stack: Stack, typed: str) -> None:
    page = window.new_page()
    page.goto(stack.simulator_url)
    page.get_by_label("This phone's number").fill(typed)
    page.get_by_role("button", name="Use this phone").click()
    expect(page.get_by_role("alert")).to_contain_text("country code")
    expect(page.get_by_role("status")).to_contain_text("Choose the phone number")
    page.close()

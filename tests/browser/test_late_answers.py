"""Answers can overtake each other: what the page shows and says always belongs to the newest question."""

from collections.abc import Callable

import pytest
from browser.visitor import Visitor
from playwright.sync_api import APIResponse, Route, expect

RECOVER = "**/auth/recover"
BROKEN = '{"title": "Slow", "detail": "This came too late."}'
Answer = Callable[[Route], None]
LATE: dict[str, Answer] = {
    "good news": lambda route: route.continue_(),
    "bad news": lambda route: route.fulfill(status=503, content_type="application/problem+json", body=BROKEN),
    "nothing at all": lambda route: route.abort(),
}


class Held:
    """The next request to an address, waiting until the test lets it go."""

    def __init__(self, visitor: Visitor, pattern: str) -> None:
        self.page = visitor.page
        self.routes: list[Route] = []
        self.page.route(pattern, lambda route: self.routes.append(route), times=1)

    def route(self) -> Route:
        while not self.routes:
            self.page.wait_for_timeout(10)
        return self.routes[0]

    def answered(self) -> APIResponse:
        """The answer as it is now; the page does not have it yet."""
        return self.route().fetch()


def ask_for_a_link(visitor: Visitor) -> None:
    form = "Forgot your password, or no e-mail arrived?"
    visitor.fill(form, "Send me a link for a new password", E_mail=visitor.email)


def is_over(visitor: Visitor) -> None:
    """The older action ended: what it had to say, it has said."""
    expect(visitor.page.get_by_role("button", name="Send me a link for a new password")).to_be_enabled()


@pytest.mark.parametrize("late", LATE)
def test_a_late_answer_never_overwrites_the_words_of_a_newer_action(visitor: Visitor, late: str) -> None:
    visitor.open()
    held = Held(visitor, RECOVER)
    ask_for_a_link(visitor)
    late_one = held.route()
    visitor.sign_up()
    said = visitor.page.get_by_role("status").inner_text()
    LATE[late](late_one)
    is_over(visitor)
    assert visitor.page.get_by_role("status").inner_text() == said
    assert visitor.page.get_by_role("alert").inner_text() == ""


@pytest.mark.parametrize("late", LATE)
def test_a_late_answer_never_hides_the_complaint_of_a_newer_action(visitor: Visitor, late: str) -> None:
    visitor.open()
    held = Held(visitor, RECOVER)
    ask_for_a_link(visitor)
    late_one = held.route()
    visitor.fill("Sign up", "Sign up", E_mail=visitor.email, Password="Passw0rd!")
    visitor.complains("most common passwords")
    LATE[late](late_one)
    is_over(visitor)
    assert "most common passwords" in visitor.page.get_by_role("alert").inner_text()
    assert visitor.page.get_by_role("status").inner_text() == ""
    expect(visitor.group("Sign up").get_by_label("Password")).to_have_attribute("aria-invalid", "true")


def test_what_was_said_before_is_gone_as_soon_as_something_new_begins(visitor: Visitor) -> None:
    visitor.open().sign_up()
    held = Held(visitor, RECOVER)
    ask_for_a_link(visitor)
    assert visitor.page.get_by_role("status").inner_text() == ""
    held.route().continue_()
    visitor.says("an e-mail with a link is on its way")
    visitor.fill("Sign up", "Sign up", E_mail=visitor.email, Password="Passw0rd!")
    visitor.complains("most common passwords")
    held = Held(visitor, RECOVER)
    ask_for_a_link(visitor)
    assert visitor.page.get_by_role("alert").inner_text() == ""
    assert visitor.page.locator("[aria-invalid]").count() == 0
    held.route().continue_()
    visitor.says("an e-mail with a link is on its way")


def test_what_the_page_does_by_itself_never_speaks_over_an_action(visitor: Visitor) -> None:
    visitor.open()
    visitor.is_out()  # its first question has been answered
    held = Held(visitor, "**/auth/session/resume")
    visitor.page.evaluate("void (window.beginning = begin())")
    late_one = held.route()
    visitor.sign_up()
    late_one.abort()
    visitor.page.evaluate("() => window.beginning")
    visitor.says("Thank you.")


def test_a_look_at_the_avatar_never_keeps_its_form_from_being_filled(visitor: Visitor) -> None:
    """The page looks by itself while the form is about to be filled, and its answer is there first."""
    visitor.arrive().create_avatar()
    visitor.page.evaluate("async () => ask('PATCH', '/profile/avatar', { name: 'Nora' })")
    held = Held(visitor, "**/profile/personalities")
    place = visitor.group("Your avatar")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.complains("Your avatar was changed or deleted elsewhere meanwhile.")
    late_one = held.route()
    visitor.page.evaluate("showAvatar(false)")
    late_one.continue_()
    expect(place.get_by_label("Name")).to_have_value("Nora")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.says("The avatar is saved.")


def test_an_older_list_never_replaces_a_newer_one(visitor: Visitor) -> None:
    visitor.arrive()
    held = Held(visitor, "**/messages?*")
    visitor.page.evaluate("void (window.asking = showMessages())")
    old = held.answered()
    assert old.json()["messages"] == []
    visitor.fill("Write a message", "Send", Message="the newest")
    expect(visitor.messages()).to_have_count(1)
    held.route().fulfill(response=old)
    visitor.page.evaluate("() => window.asking")
    assert visitor.messages().count() == 1


def test_an_answer_for_the_person_before_is_not_shown_to_the_next(visitor: Visitor, another: Visitor) -> None:
    visitor.arrive()
    visitor.fill("Write a message", "Send", Message="for my eyes only")
    expect(visitor.messages()).to_have_count(1)
    held = Held(visitor, "**/messages?*")
    visitor.page.evaluate("void (window.asking = showMessages())")
    old = held.answered()
    assert "for my eyes only" in old.text()
    visitor.fill("Log out", "Log out")
    visitor.is_out()
    visitor.email, visitor.password = another.email, another.password
    visitor.sign_up().log_in()
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()
    held.route().fulfill(response=old)
    visitor.page.evaluate("() => window.asking")
    assert visitor.messages().count() == 0

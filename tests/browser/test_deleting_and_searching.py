"""What is in the log can be found and deleted on the page, and so can the avatar."""

from browser.visitor import Visitor
from playwright.sync_api import Dialog, Page, expect


def answer_dialogs(page: Page, *, yes: bool) -> list[str]:
    """What the page asks from now on, always with the same answer."""
    asked: list[str] = []

    def answered(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if yes else dialog.dismiss()

    page.on("dialog", answered)
    return asked


def write(visitor: Visitor, *texts: str) -> None:
    visitor.page.evaluate(
        "async (texts) => { for (const content of texts) await ask('POST', '/messages', { content }) }",
        list(texts),
    )
    visitor.reload_messages()


def test_a_message_is_deleted_after_a_question(visitor: Visitor) -> None:
    visitor.arrive()
    write(visitor, "the first", "the second", "the third")
    asked = answer_dialogs(visitor.page, yes=True)
    visitor.messages().nth(1).get_by_role("button", name="Delete this message").click()
    visitor.says("The message is deleted.")
    expect(visitor.page.locator(":focus")).to_have_text("Messages")
    expect(visitor.messages()).to_have_count(2)
    assert asked == ["Delete this message?"]
    visitor.open()
    expect(visitor.messages()).to_have_count(2)
    expect(visitor.messages().first).to_contain_text("the third")
    expect(visitor.messages().last).to_contain_text("the first")


def test_a_message_that_is_gone_already_goes_from_the_page(visitor: Visitor) -> None:
    visitor.arrive()
    write(visitor, "only this")
    answer_dialogs(visitor.page, yes=True)
    visitor.page.evaluate(
        "async () => ask('DELETE', `/messages/${document.querySelector('#messages li').dataset.id}`)"
    )
    visitor.page.evaluate("document.querySelector('#messages button').click()")
    expect(visitor.messages()).to_have_count(0)


def test_who_says_no_keeps_it(visitor: Visitor) -> None:
    visitor.arrive().create_avatar()
    write(visitor, "keep me")
    asked = answer_dialogs(visitor.page, yes=False)
    visitor.messages().first.get_by_role("button", name="Delete this message").click()
    visitor.group("Your avatar").get_by_role("button", name="Delete the avatar").click()
    assert len(asked) == 2
    visitor.open()
    expect(visitor.messages()).to_have_count(1)
    expect(visitor.page.get_by_text("This is Mira, 27, witty.")).to_be_visible()


def test_the_avatar_is_deleted_after_a_question(visitor: Visitor) -> None:
    visitor.arrive()
    place = visitor.group("Your avatar")
    delete = place.get_by_role("button", name="Delete the avatar")
    expect(delete).to_be_hidden()
    visitor.create_avatar()
    answer_dialogs(visitor.page, yes=True)
    delete.click()
    visitor.says("The avatar is deleted.")
    expect(visitor.page.locator(":focus")).to_have_text("Your avatar")
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()
    expect(place.get_by_label("Name")).to_have_value("")
    expect(delete).to_be_hidden()
    visitor.create_avatar()


def test_the_log_is_searched_and_shown_whole_again(visitor: Visitor) -> None:
    visitor.arrive()
    write(visitor, "Grüße aus Köln", "another", "100 % sure")
    search = visitor.group("Search the messages")
    search.get_by_label("Search for").fill("grüße")
    search.get_by_role("button", name="Search").click()
    visitor.says("Found: 1.")
    expect(visitor.messages()).to_have_count(1)
    write(visitor, "comes meanwhile")
    expect(visitor.messages()).to_have_count(1)
    search.get_by_label("Search for").fill("% s")
    search.get_by_role("button", name="Search").click()
    expect(visitor.messages().first).to_contain_text("100 % sure")
    expect(visitor.messages()).to_have_count(1)
    search.get_by_label("Search for").fill("nowhere")
    search.get_by_role("button", name="Search").click()
    expect(visitor.page.get_by_text("No message matches.")).to_be_visible()
    search.get_by_role("button", name="Show all").click()
    expect(visitor.messages()).to_have_count(4)
    expect(search.get_by_label("Search for")).to_have_value("")
    search.get_by_label("Written").select_option("whatsapp")
    search.get_by_role("button", name="Search").click()
    expect(visitor.messages()).to_have_count(0)


def test_older_matches_are_fetched_and_the_next_person_starts_with_everything(
    visitor: Visitor, another: Visitor
) -> None:
    visitor.arrive()
    write(visitor, *(f"{'odd' if number % 2 else 'even'} {number}" for number in range(104)))
    search = visitor.group("Search the messages")
    search.get_by_label("Search for").fill("odd")
    search.get_by_role("button", name="Search").click()
    visitor.says("Found: 50 and more.")
    visitor.page.get_by_role("button", name="Show older messages").click()
    expect(visitor.messages()).to_have_count(52)
    assert all(" odd " in text for text in visitor.messages().all_inner_texts())
    visitor.fill("Log out", "Log out")
    visitor.email, visitor.password = another.email, another.password
    visitor.sign_up().log_in()
    write(visitor, "even")
    expect(visitor.messages()).to_have_count(1)


def test_the_focus_comes_back_to_the_button_that_was_pressed(visitor: Visitor) -> None:
    visitor.arrive().create_avatar()
    expect(visitor.page.locator(":focus")).to_have_text("Save the avatar")


def test_a_search_that_fails_says_so(visitor: Visitor) -> None:
    visitor.arrive()
    write(visitor, "hello")
    visitor.page.route("**/messages?*", lambda route: route.abort())
    search = visitor.group("Search the messages")
    search.get_by_label("Search for").fill("hello")
    search.get_by_role("button", name="Search").click()
    visitor.complains("Can't reach Ava.")
    expect(visitor.messages()).to_have_count(0)
    expect(visitor.page.get_by_text("No message matches.")).to_be_hidden()
    visitor.page.unroute("**/messages?*")
    expect(visitor.messages()).to_have_count(1)


def test_who_comes_without_a_log_out_between_sees_nothing_of_the_one_before(
    visitor: Visitor, another: Visitor
) -> None:
    """Another tab has logged out and in while this one was frozen."""
    another.arrive()
    visitor.arrive().create_avatar()
    visitor.group("Write a message").get_by_label("Message").fill("for myself")
    who = {"email": another.email, "password": another.password}
    visitor.page.evaluate("async (who) => { await ask('POST', '/auth/session', who); await begin(); }", who)
    expect(visitor.page.get_by_role("heading", name=f"Signed in as {another.email}")).to_be_visible()
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()
    expect(visitor.group("Your avatar").get_by_label("Name")).to_have_value("")
    expect(visitor.group("Write a message").get_by_label("Message")).to_have_value("")

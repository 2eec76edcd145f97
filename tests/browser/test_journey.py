"""The user journey in a browser: from signing up to reading in the log what was sent from the phone."""

from browser.visitor import Visitor
from playwright.sync_api import BrowserContext, Page, expect

from ava_local.demo.user_journey import random_phone_number
from ava_local.stack.control import Stack


def open_phone(profile: BrowserContext, stack: Stack, number: str) -> Page:
    """The simulator's phone page, sending as this number."""
    phone = profile.new_page()
    phone.goto(stack.simulator_url)
    phone.get_by_label("This phone's number").fill(number)
    phone.get_by_role("button", name="Use this phone").click()
    expect(phone.get_by_role("status")).to_contain_text(number)
    return phone


def write(phone: Page, text: str) -> None:
    phone.get_by_label("Message").fill(text)
    phone.get_by_role("button", name="Send").click()


def test_from_signing_up_to_the_echo_in_the_log(
    visitor: Visitor, another: Visitor, profile: BrowserContext, stack: Stack
) -> None:
    number = random_phone_number()
    visitor.arrive()
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()
    visitor.create_avatar()
    expect(visitor.page.get_by_text("This is Mira, 27, witty.")).to_be_visible()
    visitor.link(number)
    visitor.says("The number is linked.")
    expect(visitor.page.get_by_text("No messages yet.")).to_be_visible()

    phone = open_phone(profile, stack, number)
    write(phone, "hello from the phone")
    chat_messages = phone.locator("#chat li")
    expect(chat_messages).to_have_count(2)
    expect(chat_messages.last).to_contain_text("hello from the phone")

    expect(visitor.messages()).to_have_count(2)  # the page refreshes by itself
    answer, turn = visitor.messages().all_inner_texts()
    assert "You (whatsapp): hello from the phone" in turn
    assert "Ava (whatsapp)" in answer

    another.arrive()
    expect(another.page.get_by_text("You have no avatar yet.")).to_be_visible()
    expect(another.page.get_by_text("No number is linked.")).to_be_visible()
    assert another.reload_messages().count() == 0


def test_an_unlinked_phone_gets_a_polite_answer_and_no_log(
    visitor: Visitor, profile: BrowserContext, stack: Stack
) -> None:
    visitor.arrive()
    phone = open_phone(profile, stack, random_phone_number())
    write(phone, "who is there?")
    expect(phone.locator("#chat li")).to_have_count(2)
    expect(phone.locator("#chat li").last).not_to_contain_text("who is there?")
    visitor.open().is_in()
    assert visitor.reload_messages().count() == 0


def test_a_message_from_the_page_is_in_the_log_once_and_as_text(visitor: Visitor) -> None:
    visitor.arrive()
    text = '<img src=x onerror="alert(1)"> & <b>bold</b>'
    visitor.fill("Write a message", "Send", Message=text)
    visitor.says("Sent.")
    expect(visitor.messages()).to_have_count(1)
    expect(visitor.messages().first).to_contain_text(f"You (app): {text}")
    assert visitor.reload_messages().count() == 1


def test_the_choices_of_a_personality_come_from_the_service(visitor: Visitor) -> None:
    visitor.arrive()
    choices = visitor.group("Your avatar").get_by_label("Personality").locator("option")
    expect(choices).to_have_text(["warm", "playful", "calm", "witty", "curious", "direct"])


def test_older_messages_are_fetched_when_asked_for(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.page.evaluate(
        "async () => { for (let i = 0; i < 55; i++) await ask('POST', '/messages', {content: `turn ${i}`}) }"
    )
    visitor.open()
    expect(visitor.messages()).to_have_count(50)
    visitor.page.get_by_role("button", name="Show older messages").click()
    expect(visitor.messages()).to_have_count(55)
    expect(visitor.messages().last).to_contain_text("turn 0")


def test_every_mistake_is_explained(visitor: Visitor, another: Visitor) -> None:
    visitor.open()
    visitor.fill("Sign up", "Sign up", E_mail=visitor.email, Password="Passw0rd!")
    visitor.complains("most common passwords")
    visitor.fill("Log in", "Log in", E_mail=visitor.email, Password="not my password")
    visitor.complains("The e-mail address or the password is wrong.")
    visitor.sign_up().log_in()
    visitor.link("12")
    visitor.complains("number")
    number = random_phone_number()
    visitor.link(number)
    visitor.says("The number is linked.")
    another.arrive()
    another.link(number)
    another.complains("This number is linked to another account.")


def test_a_rule_of_the_service_is_shown_although_the_form_let_it_pass(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.page.evaluate("document.querySelector('[name=age]').removeAttribute('min')")
    place = visitor.group("Your avatar")
    place.get_by_label("Name").fill("Kim")
    place.get_by_label("Age").fill("19")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.complains("Age, at least 20")
    expect(place.get_by_label("Age")).to_have_attribute("aria-invalid", "true")
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()

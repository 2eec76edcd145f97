"""The journey, lived in a browser: from signing up to reading in the log what was said on the phone."""

from browser.visitor import Visitor
from playwright.sync_api import BrowserContext, Page, expect

from ava_local.handle import House
from ava_local.journey import some_number


def pick_up_phone(profile: BrowserContext, house: House, number: str) -> Page:
    """The phone simulator's own page, holding this phone."""
    phone = profile.new_page()
    phone.goto(house.phone)
    phone.get_by_label("This phone's number").fill(number)
    phone.get_by_role("button", name="Use this phone").click()
    expect(phone.get_by_role("status")).to_contain_text(number)
    return phone


def write(phone: Page, text: str) -> None:
    phone.get_by_label("Message").fill(text)
    phone.get_by_role("button", name="Send").click()


def test_from_signing_up_to_the_echo_in_the_log(
    visitor: Visitor, another: Visitor, profile: BrowserContext, house: House
) -> None:
    number = some_number()
    visitor.arrive()
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()
    visitor.create_avatar()
    expect(visitor.page.get_by_text("This is Mira, 27, witty.")).to_be_visible()
    visitor.link(number)
    visitor.says("The number is linked.")
    expect(visitor.page.get_by_text("No messages yet.")).to_be_visible()

    phone = pick_up_phone(profile, house, number)
    write(phone, "hello from the phone")
    bubbles = phone.locator("#chat li")
    expect(bubbles).to_have_count(2)
    expect(bubbles.last).to_contain_text("hello from the phone")

    expect(visitor.messages()).to_have_count(2)  # the page looks by itself
    answer, turn = visitor.messages().all_inner_texts()
    assert "You (whatsapp): hello from the phone" in turn
    assert "Ava (whatsapp)" in answer

    another.arrive()
    expect(another.page.get_by_text("You have no avatar yet.")).to_be_visible()
    expect(another.page.get_by_text("No number is linked.")).to_be_visible()
    assert another.look().count() == 0


def test_an_unlinked_phone_gets_a_polite_answer_and_no_log(
    visitor: Visitor, profile: BrowserContext, house: House
) -> None:
    visitor.arrive()
    phone = pick_up_phone(profile, house, some_number())
    write(phone, "who is there?")
    expect(phone.locator("#chat li")).to_have_count(2)
    expect(phone.locator("#chat li").last).not_to_contain_text("who is there?")
    visitor.open().is_in()
    assert visitor.look().count() == 0


def test_writing_in_the_page_stands_in_the_log_once_and_as_text(visitor: Visitor) -> None:
    visitor.arrive()
    text = '<img src=x onerror="alert(1)"> & <b>bold</b>'
    visitor.fill("Write a message", "Send", Message=text)
    visitor.says("Sent.")
    expect(visitor.messages()).to_have_count(1)
    expect(visitor.messages().first).to_contain_text(f"You (app): {text}")
    assert visitor.look().count() == 1


def test_the_choices_of_a_personality_come_from_the_house(visitor: Visitor) -> None:
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


def test_every_mistake_is_explained_in_words(visitor: Visitor, another: Visitor) -> None:
    visitor.open()
    visitor.fill("Sign up", "Sign up", E_mail=visitor.email, Password="Passw0rd!")
    visitor.complains("first that people try")
    visitor.fill("Log in", "Log in", E_mail=visitor.email, Password="not my password")
    visitor.complains("The e-mail address or the password is not right.")
    visitor.sign_up().log_in()
    visitor.link("12")
    visitor.complains("number")
    number = some_number()
    visitor.link(number)
    visitor.says("The number is linked.")
    another.arrive()
    another.link(number)
    another.complains("This number is linked already.")


def test_a_rule_of_the_house_is_told_although_the_form_let_it_pass(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.page.evaluate("document.querySelector('[name=age]').removeAttribute('min')")
    place = visitor.group("Your avatar")
    place.get_by_label("Name").fill("Kim")
    place.get_by_label("Age").fill("19")
    place.get_by_role("button", name="Save the avatar").click()
    visitor.complains("Age, at least 20")
    expect(place.get_by_label("Age")).to_have_attribute("aria-invalid", "true")
    expect(visitor.page.get_by_text("You have no avatar yet.")).to_be_visible()

"""The rest of an account's life in the page: e-mails and their links, a new password, export, deletion."""

import json
from pathlib import Path

import httpx
from browser.visitor import Visitor
from playwright.sync_api import expect

from ava_local.demo.user_journey import random_phone_number
from ava_local.stack.control import Stack


def request_link(visitor: Visitor, stack: Stack) -> str:
    """Ask for a link for a new password; the link in the e-mail."""
    form = "Forgot your password, or no e-mail arrived?"
    visitor.fill(form, "Send me a link for a new password", E_mail=visitor.email)
    visitor.says("an e-mail with a link is on its way")
    outbox = f"{stack.url('supabase-auth')}/outbox"
    mails = httpx.get(outbox, params={"to": visitor.email}, timeout=60).json()["mails"]
    (link,) = [mail["link"] for mail in mails if "type=recovery" in mail["link"]]
    return str(link)


def set_password(visitor: Visitor, password: str) -> None:
    form = visitor.page.get_by_role("form", name="You opened a link from our e-mail")
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Confirm and set this password").click()


def test_a_forgotten_password_is_replaced_by_mail(visitor: Visitor, stack: Stack) -> None:
    visitor.open().sign_up()
    visitor.page.goto(request_link(visitor, stack))
    set_password(visitor, "Passw0rd!")
    visitor.complains("most common passwords")
    visitor.password = "another-lantern-3"
    set_password(visitor, visitor.password)
    visitor.says("Your password is set. Log in with it.")
    assert "token_hash" not in visitor.page.url
    visitor.log_in()


def test_a_link_that_was_used_says_so(visitor: Visitor, another: Visitor, stack: Stack) -> None:
    visitor.open().sign_up()
    link = request_link(visitor, stack)
    visitor.page.goto(link)
    set_password(visitor, "another-lantern-3")
    visitor.says("Your password is set.")
    another.page.goto(link)
    set_password(another, "another-lantern-4")
    another.complains("This link has already been used or has expired.")
    another.is_out()


def test_changing_the_password_logs_out_the_other_devices(visitor: Visitor, another: Visitor) -> None:
    visitor.arrive()
    another.email, another.password = visitor.email, visitor.password
    another.open().log_in()
    fields = {"Current_password": "not this", "New_password": "another-lantern-3"}
    visitor.fill("Change the password", "Change the password", **fields)
    visitor.complains("This is not your current password.")
    visitor.fill(
        "Change the password", "Change the password", **fields | {"Current_password": visitor.password}
    )
    visitor.says("The password is changed.")
    another.let_access_expire()
    another.open().is_out()
    visitor.let_access_expire()
    visitor.open().is_in()


def test_password_managers_are_told_whose_password_it_is(visitor: Visitor) -> None:
    visitor.arrive()
    for form in ("Change the password", "Delete the account"):
        whose = visitor.group(form).locator("input[autocomplete=username]")
        expect(whose).to_be_hidden()
        expect(whose).to_have_value(visitor.email)
    visitor.page.get_by_role("button", name="Log out", exact=True).click()
    visitor.is_out()
    assert visitor.email not in visitor.page.content()


def test_everything_of_mine_comes_as_one_file(visitor: Visitor, tmp_path: Path) -> None:
    visitor.arrive().create_avatar()
    number = random_phone_number()
    visitor.link(number)
    visitor.says("The number is linked.")
    visitor.fill("Write a message", "Send", Message="remember this")
    visitor.says("Sent.")
    visitor.let_access_expire()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="Download all my data").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    mine = json.loads(file.read_text())
    assert (mine["account"]["email"], mine["avatar"]["name"]) == (visitor.email, "Mira")
    assert mine["preferences"]["whatsapp_phone"] == number
    assert [message["content"] for message in mine["messages"]] == ["remember this"]


def test_leaving_deletes_everything(visitor: Visitor, another: Visitor) -> None:
    number = random_phone_number()
    visitor.arrive().create_avatar()
    visitor.link(number)
    visitor.says("The number is linked.")
    form = visitor.group("Delete the account")
    form.get_by_label("Password").fill(visitor.password)
    form.get_by_label("Yes, delete all of it").check()
    form.get_by_role("button").click()
    visitor.says("Your account and everything in it is deleted.")
    visitor.is_out()
    assert visitor.cookies() == {}
    visitor.fill("Log in", "Log in", E_mail=visitor.email, Password=visitor.password)
    visitor.complains("The e-mail address or the password is wrong.")
    another.arrive().link(number)
    another.says("The number is linked.")
    assert another.reload_messages().count() == 0

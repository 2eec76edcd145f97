"""What the page says about log-out, a new password and deletion is there, and true of another device.

Decision 0111.
"""

import pytest
from browser.visitor import Visitor
from playwright.sync_api import expect

ENDED = (
    "All other devices are logged out. "
    "One that is open now may read and write messages until its access expires."
)


def end_others(visitor: Visitor, how: str) -> None:
    if how == "log-out":
        visitor.fill("Log out", "Log out all other devices")
        return
    fields = {"Current_password": visitor.password, "New_password": "another-lantern-3"}
    visitor.fill("Change the password", "Change the password", **fields)


@pytest.mark.parametrize("how", ["log-out", "new password"])
def test_another_device_reads_and_writes_until_its_access_expires_and_changes_nothing(
    visitor: Visitor, another: Visitor, how: str
) -> None:
    visitor.arrive().create_avatar()
    another.email, another.password = visitor.email, visitor.password
    another.open().log_in()
    told = visitor.group("Log out").get_by_text(
        "A device that was logged out can't change, download or link anything."
    )
    expect(told).to_contain_text(
        "It may still read and write messages until the access that it was given expires."
    )
    end_others(visitor, how)
    visitor.says(ENDED)
    another.fill("Write a message", "Send", Message="still here")
    another.says("Sent.")
    expect(another.messages()).to_contain_text(["still here"])
    expect(visitor.reload_messages()).to_contain_text(["still here"])
    another.link("+49 1512 3456789")
    another.is_out()
    expect(visitor.group("Your WhatsApp number")).to_contain_text("No number is linked")


def test_another_device_does_nothing_for_an_account_that_is_deleted(
    visitor: Visitor, another: Visitor
) -> None:
    visitor.arrive()
    another.email, another.password = visitor.email, visitor.password
    another.open().log_in()
    form = visitor.group("Delete the account")
    expect(form).to_contain_text(
        "This deletes the avatar, the number and all messages. This cannot be undone."
    )
    form.get_by_label("Password").fill(visitor.password)
    form.get_by_label("Yes, delete all of it").check()
    form.get_by_role("button").click()
    visitor.says("Your account and everything in it is deleted.")
    another.is_out()  # within seconds, as it asks for new messages


@pytest.mark.parametrize("button", ["Log out", "Log out everywhere"])
def test_who_logs_out_is_told_so_and_is(visitor: Visitor, another: Visitor, button: str) -> None:
    visitor.arrive()
    another.email, another.password = visitor.email, visitor.password
    another.open().log_in()
    visitor.fill("Log out", button)
    visitor.says("You are logged out.")
    assert visitor.cookies() == {}
    visitor.open().is_out()
    another.let_access_expire()
    another.open()
    another.is_out() if button == "Log out everywhere" else another.is_in()


@pytest.mark.parametrize("button", ["Log out all other devices", "Log out everywhere"])
def test_a_device_that_was_logged_out_is_not_told_that_it_logs_out_others(
    visitor: Visitor, another: Visitor, button: str
) -> None:
    visitor.arrive()
    another.email, another.password = visitor.email, visitor.password
    another.open().log_in()
    end_others(visitor, "log-out")
    visitor.says(ENDED)
    another.fill("Log out", button)
    another.complains("This session has ended. Log in again.")
    another.is_out()
    visitor.open().is_in()

"""A visitor of the page, who finds everything by its label, as a person or a screen reader does."""

import secrets
from typing import Self

from playwright.sync_api import Locator, Page, expect

ACCESS, REFRESH = "__Host-ava_at", "__Host-ava_rt"
AVATAR = {"Name": "Mira", "Age, at least 20": "27", "Looks": "Tall, dark curls, a green coat."}


class Visitor:
    """One user in one browser tab."""

    def __init__(self, page: Page, form: str) -> None:
        self.page, self.form = page, form
        self.email = f"{secrets.token_hex(6)}@people.example"
        self.password = f"quiet-harbour-{secrets.token_hex(4)}"

    def open(self) -> Self:
        self.page.goto(self.form)
        return self

    def group(self, name: str) -> Locator:
        """A form or list by its accessible name."""
        return self.page.get_by_role("form", name=name, exact=True)

    def fill(self, form: str, press: str, **fields: str) -> None:
        """Fill a form's fields by the beginning of their labels and press a button in it."""
        place = self.group(form)
        for label, value in fields.items():
            place.get_by_label(label.replace("E_mail", "E-mail").replace("_", " ")).fill(value)
        place.get_by_role("button", name=press, exact=True).click()

    def says(self, words: str) -> None:
        """Expect this message in the page's status."""
        expect(self.page.get_by_role("status")).to_contain_text(words)

    def complains(self, words: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(words)

    def sign_up(self) -> Self:
        self.fill("Sign up", "Sign up", E_mail=self.email, Password=self.password)
        self.says("Thank you.")
        return self

    def log_in(self) -> Self:
        self.fill("Log in", "Log in", E_mail=self.email, Password=self.password)
        self.is_in()
        return self

    def arrive(self) -> Self:
        """Open the page, sign up, log in."""
        return self.open().sign_up().log_in()

    def is_in(self) -> None:
        expect(self.page.get_by_role("heading", name=f"Signed in as {self.email}")).to_be_visible()

    def is_out(self) -> None:
        expect(self.page.get_by_role("heading", name="Log in or sign up")).to_be_visible()
        expect(self.page.get_by_role("heading", name="Signed in as")).to_be_hidden()

    def create_avatar(self) -> Self:
        place = self.group("Your avatar")
        for label, value in AVATAR.items():
            place.get_by_label(label).fill(value)
        place.get_by_label("Personality").select_option("witty")
        place.get_by_role("button", name="Save the avatar").click()
        self.says("The avatar is saved.")
        return self

    def link(self, number: str) -> None:
        self.fill("Your WhatsApp number", "Link this number", Number=number)

    def messages(self) -> Locator:
        return self.page.get_by_role("list", name="Messages, newest first").get_by_role("listitem")

    def reload_messages(self) -> Locator:
        """The messages, after the page has asked again for them and for everything else it shows."""
        self.page.evaluate("Promise.all([showMessages(), showNumber(), showAvatar()])")
        return self.messages()

    def cookies(self) -> dict[str, str]:
        """Names and values as the browser stores them; scripts cannot read them."""
        return {one["name"]: one["value"] for one in self.page.context.cookies()}

    def let_access_expire(self) -> None:
        """As after an hour: the access cookie is gone, the refresh cookie stays."""
        self.page.context.clear_cookies(name=ACCESS)

"""Takes the README's screenshots: `PYTHONPATH=tests .ava/venv/bin/python -m browser.pictures`."""

import tempfile
from pathlib import Path

from browser.conftest import running_chromium
from browser.visitor import Visitor
from playwright.sync_api import BrowserContext, expect

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PHONE_NUMBER = "+4915112345678"


def take_pictures(profile: BrowserContext, stack: Stack) -> None:
    """Use Ava for a moment, and take a screenshot of the page and of the phone."""
    visitor = Visitor(profile.new_page(), stack.public_url)
    visitor.email = "ada@people.example"
    visitor.arrive().create_avatar().link(PHONE_NUMBER)
    visitor.says("The number is linked.")
    phone = profile.new_page()
    phone.set_viewport_size({"width": 420, "height": 480})
    phone.goto(f"{stack.simulator_url}/#{PHONE_NUMBER}")
    for count, text in enumerate(("Good morning, Mira!", "What shall we do today?"), 1):
        phone.get_by_label("Message").fill(text)
        phone.get_by_role("button", name="Send").click()
        expect(phone.locator("#chat li")).to_have_count(2 * count)
        phone.wait_for_timeout(1500)  # WhatsApp's clock counts seconds, and the ticks take a moment
    expect(visitor.messages()).to_have_count(4)
    phone.screenshot(path=FOLDER / "phone.png")
    visitor.page.set_viewport_size({"width": 760, "height": 1100})
    visitor.page.screenshot(path=FOLDER / "form.png")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, running_chromium() as chromium:
        if chromium is None:
            raise SystemExit("Chromium is not installed (Debian: apt-get install chromium).")
        stack = Stack(Path(state), free_base_port())
        with stack:
            take_pictures(chromium.new_context(locale="en-GB"), stack)
        stack.delete_data()


if __name__ == "__main__":
    main()

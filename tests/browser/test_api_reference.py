"""The API reference at /docs: an operation is seen and tried, under a policy of its own."""

import json

from browser.visitor import Visitor
from playwright.sync_api import ConsoleMessage, expect


def test_an_operation_is_seen_and_tried(visitor: Visitor) -> None:
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    elsewhere: list[str] = []
    visitor.page.on("console", note)
    visitor.page.on("request", lambda sent: elsewhere.append(sent.url))
    visitor.page.goto(f"{visitor.form}/docs")
    expect(visitor.page).to_have_title("Ava API reference")
    expect(visitor.page.get_by_role("heading", name="Ava").first).to_be_visible()
    operation = visitor.page.locator("#operations-avatar-personalities_list")
    operation.get_by_role("button").first.click()
    expect(operation.get_by_text("The personalities an avatar can have")).to_be_visible()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response").first
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text("playful")
    assert complaints == []
    assert [url for url in elsewhere if not url.startswith((visitor.form, "data:"))] == []


def test_signed_in_a_message_is_written_and_read_there(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.page.goto(f"{visitor.form}/docs")
    operation = visitor.page.locator("#operations-messages-messages_write")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea").fill(json.dumps({"content": "from the reference"}))
    operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table .response .response-col_status").first
    expect(status).to_contain_text("201")
    visitor.open().is_in()
    expect(visitor.messages().first).to_contain_text("from the reference")


def test_every_operation_is_listed_with_its_words(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.form}/docs")
    described = visitor.page.request.get(f"{visitor.form}/openapi.json").json()
    ids = [operation["operationId"] for item in described["paths"].values() for operation in item.values()]
    expect(visitor.page.locator(".opblock")).to_have_count(len(ids))
    for tag in described["tags"]:
        expect(visitor.page.get_by_text(tag["description"])).to_be_visible()

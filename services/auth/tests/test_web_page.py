"""The page: the headers it is served with, and that it can be used without seeing it."""

import re
from html.parser import HTMLParser

import httpx
import pytest


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.labelled: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag in ("input", "select", "textarea"):
            self.labelled.append("label" in self.open)
        if tag not in ("input", "meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass


@pytest.fixture
async def html(client: httpx.AsyncClient) -> str:
    return (await client.get("/")).text


@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/app.js", "text/javascript")])
async def test_nothing_but_our_own_script_may_run(client: httpx.AsyncClient, path: str, kind: str) -> None:
    answer = await client.get(path)
    assert answer.headers["content-type"].startswith(kind)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_page_keeps_to_its_own_policy(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert tag != "style"
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/app.js" defer>']


def test_every_field_has_a_label_and_every_form_a_name(html: str) -> None:
    elements = Elements(html)
    assert all(elements.labelled)
    assert len(elements.labelled) > 10
    forms = [attributes for tag, attributes in elements.found if tag == "form"]
    assert all(form.get("aria-labelledby") or form.get("aria-label") for form in forms)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_no_form_could_put_a_password_into_a_url(html: str) -> None:
    forms = [attributes for tag, attributes in Elements(html).found if tag == "form"]
    assert {form.get("method") for form in forms} == {"post"}


async def test_the_script_touches_no_token_and_writes_no_html(client: httpx.AsyncClient) -> None:
    script = (await client.get("/app.js")).text
    for forbidden in (
        "document.cookie",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "access_token",
    ):
        assert forbidden not in script

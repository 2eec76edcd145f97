"""A real Chromium in front of a real stack."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from browser.visitor import Visitor
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from ava_local.devtools import chromium as chromium
from ava_local.stack.control import Stack

# How long something may take to appear. Only a failure takes that long.
expect.set_options(timeout=30_000)
ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@contextmanager
def running_chromium() -> Iterator[Browser | None]:
    """Chromium without a window, or None if it is not installed."""
    path = chromium.find_chromium()
    if not path:
        yield None
        return
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, chromium_sandbox=False, args=list(ARGUMENTS), timeout=120_000
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def window(processes: None) -> Iterator[Browser]:
    """One Chromium per module, not longer: playwright's event loop would disturb asynchronous tests."""
    with running_chromium() as started:
        if started is None:
            pytest.skip("THE BROWSER TESTS DID NOT RUN: there is no Chromium (apt-get install chromium)")
        yield started


@pytest.fixture
def profile(window: Browser) -> Iterator[BrowserContext]:
    """A new browser profile, with its own cookies and storage."""
    context = window.new_context(locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def visitor(profile: BrowserContext, stack: Stack) -> Visitor:
    """A visitor of the page, without an account yet."""
    return Visitor(profile.new_page(), stack.public_url)


@pytest.fixture
def another(window: Browser, stack: Stack) -> Iterator[Visitor]:
    """Another visitor, on another computer."""
    context = window.new_context(locale="en-GB")
    yield Visitor(context.new_page(), stack.public_url)
    context.close()


class _Page(BaseHTTPRequestHandler):
    def __init__(self, html: str, *rest: object) -> None:
        self.html = html
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.html.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Not logged."""


@pytest.fixture
def elsewhere() -> Iterator[Callable[[str, str], str]]:
    """Serve a page from another origin; `host` decides whether it is also another site."""
    servers: list[ThreadingHTTPServer] = []

    def serve(html: str, host: str) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Page, html))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://{host}:{server.server_address[1]}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()

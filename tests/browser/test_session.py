"""The cookie session: out of reach of scripts and other sites, unaffected by tabs and restarts."""

import json
from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest
from browser.visitor import ACCESS, REFRESH, Visitor
from playwright.sync_api import BrowserContext, Page, Request, Response, expect

from ava_local.demo.user_journey import eventually
from ava_local.stack.control import Stack

Serve = Callable[[str, str], str]
RENEW = "async () => (await fetch('/auth/session/refresh', { method: 'POST' })).status"


def test_no_script_reaches_a_token(visitor: Visitor) -> None:
    answers: list[str] = []

    def keep(response: Response) -> None:
        if "/auth/" in response.url and response.request.resource_type == "fetch":
            answers.append(response.text() if response.ok else "")

    visitor.page.on("response", keep)
    visitor.arrive()
    cookies = visitor.page.context.cookies()
    assert {one["name"] for one in cookies} == {ACCESS, REFRESH}
    for one in cookies:
        assert (one["httpOnly"], one["secure"], one["sameSite"], one["path"]) == (True, True, "Strict", "/")
    reachable = visitor.page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.body.outerHTML])"
    )
    for one in cookies:
        assert one["value"] not in reachable
        assert not [answer for answer in answers if one["value"] in answer]
    assert json.loads(reachable)[0] == ""


def _statuses(stack: Stack, method: str, path: str) -> list[int]:
    """The statuses of all such requests so far, from Caddy's log: other pages cannot read them."""
    lines = [json.loads(line) for line in stack.log_text("caddy").splitlines() if line.endswith("}")]
    return [
        line["status"]
        for line in lines
        if "status" in line and (line["request"]["method"], line["request"]["uri"]) == (method, path)
    ]


def _statuses_since(stack: Stack, method: str, path: str, earlier: int) -> list[int]:
    """Those after the first `earlier`, as soon as there are any: Caddy logs a request after answering it."""
    return list(eventually(lambda: _statuses(stack, method, path)[earlier:], bool, timeout=60))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost"], ids=["another site", "same site, another origin"]
)
def test_another_page_can_do_nothing_in_the_users_name(
    visitor: Visitor, elsewhere: Serve, stack: Stack, host: str
) -> None:
    logins = len(_statuses(stack, "POST", "/auth/session"))
    visitor.arrive()
    assert _statuses_since(stack, "POST", "/auth/session", logins)
    before = visitor.cookies()
    attacker = visitor.page.context.new_page()
    attacker.goto(elsewhere("<h1>Win a prize</h1>", host))
    for method, path in (
        ("POST", "/auth/session/refresh"),
        ("POST", "/auth/session"),
        ("POST", "/messages"),
        ("POST", "/auth/logout"),
    ):
        earlier = len(_statuses(stack, method, path))
        attacker.evaluate(
            """([method, url]) => fetch(url, { method, mode: "no-cors", credentials: "include",
                headers: { "Content-Type": "text/plain" }, body: '{"content":"hacked"}' }).catch(() => 0)""",
            [method, visitor.form + path],
        )
        statuses = _statuses_since(stack, method, path, earlier)
        assert statuses, path
        assert set(statuses) <= {401, 403}, path
    assert visitor.cookies() == before
    visitor.open().is_in()
    assert visitor.reload_messages().count() == 0


def test_another_sites_form_logs_no_one_in_or_out(visitor: Visitor, elsewhere: Serve) -> None:
    visitor.arrive()
    before = visitor.cookies()
    body = """<input name='{"email":"thief@example.org","password":"x","a":"' value='"}'>"""
    target = f"{visitor.form}/auth/session"
    html = f'<form method="post" action="{target}" enctype="text/plain">{body}<button>Go</button></form>'
    visitor.page.goto(elsewhere(html, "127.0.0.1"))
    with visitor.page.expect_navigation() as landed:
        visitor.page.get_by_role("button").click()
    assert landed.value is not None
    assert landed.value.status == 403
    assert visitor.cookies() == before
    visitor.open().is_in()


def test_the_page_cannot_be_framed(visitor: Visitor, elsewhere: Serve) -> None:
    visitor.page.goto(elsewhere(f'<iframe src="{visitor.form}"></iframe>', "127.0.0.1"))
    _, frame = visitor.page.frames
    expect(frame.get_by_role("heading", name="Ava")).to_have_count(0)


def test_logging_out_clears_everything(visitor: Visitor) -> None:
    visitor.arrive().create_avatar()
    kept = visitor.cookies()
    visitor.fill("Log out", "Log out")
    visitor.says("You are logged out.")
    visitor.is_out()
    assert visitor.cookies() == {}
    assert "Mira" not in visitor.page.evaluate("document.body.innerText")
    stolen = {"Cookie": f"{REFRESH}={kept[REFRESH]}", "Sec-Fetch-Site": "same-origin"}
    assert httpx.post(f"{visitor.form}/auth/session/refresh", headers=stolen, timeout=60).status_code == 401


def test_logging_out_in_one_tab_logs_out_the_other(visitor: Visitor, profile: BrowserContext) -> None:
    visitor.arrive()
    other = Visitor(profile.new_page(), visitor.form)
    other.email = visitor.email
    other.open().is_in()
    visitor.fill("Log out", "Log out")
    other.is_out()


def test_an_expired_session_renews_itself(visitor: Visitor) -> None:
    visitor.arrive()
    old = visitor.cookies()
    visitor.let_access_expire()
    visitor.create_avatar()
    assert visitor.cookies().keys() == old.keys()
    assert visitor.cookies()[REFRESH] != old[REFRESH]


def test_two_tabs_that_renew_at_once_both_stay_logged_in(visitor: Visitor, profile: BrowserContext) -> None:
    visitor.arrive()
    other = Visitor(profile.new_page(), visitor.form)
    other.email = visitor.email
    other.open().is_in()
    renewals = [renewals_of(tab.page) for tab in (visitor, other)]
    visitor.let_access_expire()
    for tab in (visitor, other):
        tab.page.evaluate("void (window.asking = showMessages())")
    for tab in (visitor, other):
        tab.page.evaluate("() => window.asking")
        tab.is_in()
    # What one tab stores, another process sees a little later: that one may renew again, but never beside it.
    done = sorted(renewal for of_tab in renewals for renewal in of_tab)
    assert 1 <= len(done) <= 2
    assert all(answered <= asked for (_, answered), (asked, _) in pairwise(done))


def test_questions_of_one_tab_share_one_renewal(visitor: Visitor) -> None:
    visitor.arrive()
    renewals = renewals_of(visitor.page)
    visitor.let_access_expire()
    visitor.page.evaluate("Promise.all([showMessages(), showNumber(), showAvatar()])")
    visitor.is_in()
    assert len(renewals) == 1


def renewals_of(page: Page) -> list[tuple[float, float]]:
    """When each renewal of this page was asked for and answered, in milliseconds; fills itself."""
    renewals: list[tuple[float, float]] = []

    def note(request: Request) -> None:
        if "refresh" in request.url:
            began = request.timing["startTime"]
            renewals.append((began, began + request.timing["responseStart"]))

    page.on("requestfinished", note)
    return renewals


def test_even_tabs_that_do_not_wait_for_each_other_stay_logged_in(
    visitor: Visitor, profile: BrowserContext
) -> None:
    visitor.arrive()
    tabs: list[Page] = [visitor.page]
    for _ in range(2):
        tabs.append(profile.new_page())
        tabs[-1].goto(visitor.form)
    visitor.let_access_expire()
    for tab in tabs:
        tab.evaluate(f"void (window.renewing = Promise.all([1, 2, 3].map({RENEW})))")
    assert [tab.evaluate("() => window.renewing") for tab in tabs] == [[200, 200, 200]] * 3
    visitor.let_access_expire()
    visitor.open().is_in()


def test_the_session_survives_a_restart_of_auth(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    pid = stack.kill("auth")
    stack.wait_ready("auth", since=pid)
    visitor.open().is_in()
    visitor.let_access_expire()
    visitor.open().is_in()


def test_while_auth_is_away_no_one_is_logged_out(visitor: Visitor, stack: Stack) -> None:
    visitor.arrive()
    stack.disable("auth")
    try:
        visitor.let_access_expire()
        answer = visitor.page.evaluate("mine('GET', '/messages')")  # until Caddy stops waiting for auth
        assert answer["status"] == 502
        visitor.is_in()
        assert REFRESH in visitor.cookies()
    finally:
        stack.enable("auth")
    visitor.open().is_in()

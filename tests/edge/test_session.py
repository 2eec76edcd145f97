"""The cookie session becomes a bearer token for Ava's own page only; no service ever sees a cookie."""

import pytest

from .conftest import Edge

ACCESS = "__Host-ava_at=eyJh.eyJz.c2ln-_"
REFRESH = "__Host-ava_rt=r3fresh_Token-1"
BOTH = f"Cookie: theme=dark; {ACCESS}; {REFRESH}; other=1"
SAME, CROSS, SIBLING, TYPED = (
    f"Sec-Fetch-Site: {s}" for s in ("same-origin", "cross-site", "same-site", "none")
)
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
SERVICES = ["/auth/me", "/profile/avatar", "/messages", "/webhooks/whatsapp"]


@pytest.mark.parametrize("target", SERVICES)
@pytest.mark.parametrize("fetch", [SAME, CROSS, SIBLING, TYPED, "X-Nothing: here"])
async def test_a_safe_request_carries_the_session_as_bearer_and_no_cookie(
    edge: Edge, target: str, fetch: str
) -> None:
    seen = await edge.reach("GET", target, BOTH, fetch)
    assert seen.header("authorization") == "Bearer eyJh.eyJz.c2ln-_"
    assert seen.header("cookie") is None


@pytest.mark.parametrize("target", SERVICES)
@pytest.mark.parametrize("method", UNSAFE)
async def test_an_unsafe_request_of_our_own_page_carries_the_session(
    edge: Edge, method: str, target: str
) -> None:
    seen = await edge.reach(method, target, BOTH, SAME, body=b"{}")
    assert seen.header("authorization") == "Bearer eyJh.eyJz.c2ln-_"
    assert seen.header("cookie") is None


@pytest.mark.parametrize("target", SERVICES)
@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "fetch",
    [
        CROSS,
        SIBLING,
        TYPED,
        "X-Nothing: here",
        "Sec-Fetch-Site: Same-Origin",
        f"{CROSS}\r\n{SAME}",
        f"{SAME}\r\n{CROSS}",
    ],
)
async def test_an_unsafe_request_from_elsewhere_carries_no_session(
    edge: Edge, method: str, target: str, fetch: str
) -> None:
    seen = await edge.reach(method, target, BOTH, fetch, body=b"{}")
    assert seen.header("authorization") is None
    assert seen.header("cookie") is None


@pytest.mark.parametrize("own", ["Bearer own", "Basic b3du", "x", ""])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_callers_own_authorization_wins(edge: Edge, method: str, own: str) -> None:
    seen = await edge.reach(method, "/messages", BOTH, SAME, f"Authorization: {own}", body=b"{}")
    assert seen.header("authorization") == own
    assert seen.header("cookie") is None


@pytest.mark.parametrize(
    "cookie",
    [
        "__Host-ava_at=",
        "__Host-ava_at=a b",
        '__Host-ava_at="a.b.c"',
        "__Host-ava_at=a,b",
        "x__Host-ava_at=a.b.c",
        "__host-ava_at=a.b.c",
        "\xa0__Host-ava_at=a.b.c",
        "__Host-ava_at =a.b.c",
        "ava_at=a.b.c",
        "Authorization=a.b.c",
        "x=1,__Host-ava_at=a.b.c",
    ],
)
async def test_what_only_resembles_the_access_cookie_is_nothing(edge: Edge, cookie: str) -> None:
    seen = await edge.reach("GET", "/messages", f"Cookie: {cookie}")
    assert seen.header("authorization") is None
    assert seen.header("cookie") is None


@pytest.mark.parametrize("name", ["__Host-ava_at", "__Host-ava_rt"])
@pytest.mark.parametrize("between", ["; ", ";", "; theme=dark; ", "\r\nCookie: ", "\r\ncookie: theme=dark; "])
async def test_a_session_cookie_sent_twice_is_refused(edge: Edge, name: str, between: str) -> None:
    answer = await edge.ask("GET", "/messages", f"Cookie: {name}=a.b.c{between}{name}=d.e.f")
    assert (answer.status, answer.problem) == (400, "ambiguous-request")
    assert edge.seen == []


@pytest.mark.parametrize("trick", ["\xa0__Host-ava_at", "__host-AVA_at", "__Host-ava_at "])
async def test_a_cookie_posing_as_the_session_beside_it_is_refused(edge: Edge, trick: str) -> None:
    answer = await edge.ask("GET", "/messages", f"Cookie: {trick}=evil; {ACCESS}")
    assert (answer.status, answer.problem) == (400, "ambiguous-request")


@pytest.mark.parametrize("second", ["authorization: Bearer b", "Authorization: Basic Yg=="])
async def test_two_authorizations_are_refused(edge: Edge, second: str) -> None:
    answer = await edge.ask("GET", "/messages", "Authorization: Bearer a", second)
    assert (answer.status, answer.problem) == (400, "ambiguous-request")
    assert edge.seen == []


async def test_two_signatures_of_a_webhook_are_refused(edge: Edge) -> None:
    signatures = "X-Hub-Signature-256: sha256=aa", "x-hub-signature-256: sha256=bb"
    answer = await edge.ask("POST", "/webhooks/whatsapp", *signatures, body=b"{}")
    assert (answer.status, answer.problem) == (400, "ambiguous-request")
    assert edge.seen == []


@pytest.mark.parametrize("target", ["/auth/session", "/auth/session/refresh", "/auth/session/resume"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_the_sessions_own_endpoint_gets_the_refresh_cookie_and_nothing_beside_it(
    edge: Edge, method: str, target: str
) -> None:
    seen = await edge.reach(method, target, BOTH, SAME, body=b"{}")
    assert seen.header("cookie") == REFRESH
    assert seen.header("authorization") == "Bearer eyJh.eyJz.c2ln-_"


async def test_what_looks_like_a_placeholder_of_caddy_stays_plain_text(edge: Edge) -> None:
    seen = await edge.reach(
        "POST", "/auth/session", SAME, "Cookie: __Host-ava_rt={env.HOME}{http.request.uuid}", body=b"{}"
    )
    assert seen.header("cookie") == "__Host-ava_rt={env.HOME}{http.request.uuid}"
    seen = await edge.reach("GET", "/messages", "Authorization: Bearer {env.HOME}")
    assert seen.header("authorization") == "Bearer {env.HOME}"


@pytest.mark.parametrize(
    "target", ["/auth/session", "/auth/session/refresh", "/auth/session/resume", "/auth/session?scope=global"]
)
@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("fetch", [CROSS, SIBLING, TYPED, "X-Nothing: here", f"{SAME}\r\n{CROSS}"])
async def test_the_sessions_endpoint_is_closed_to_every_other_page(
    edge: Edge, method: str, target: str, fetch: str
) -> None:
    answer = await edge.ask(method, target, BOTH, fetch, body=b"{}")
    assert (answer.status, answer.problem) == (403, "cross-site-request")
    assert edge.seen == []


@pytest.mark.parametrize(
    "target", ["/auth/sessions", "/auth/session-x", "/auth/logout", "/auth/refresh", "/", "/profile/session"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_refresh_cookie_goes_nowhere_else(edge: Edge, method: str, target: str) -> None:
    seen = await edge.reach(method, target, BOTH, SAME, body=b"{}")
    assert seen.header("cookie") is None
    assert all("r3fresh" not in value for _, value in seen.headers)


async def test_reading_the_session_sends_no_refresh_cookie(edge: Edge) -> None:
    seen = await edge.reach("GET", "/auth/session", BOTH, SAME)
    assert seen.header("cookie") is None


async def test_cookies_set_by_auth_come_back_untouched(edge: Edge) -> None:
    cookie = f"{ACCESS}; Path=/; Secure; HttpOnly; SameSite=Strict"
    edge.services["auth"].extra = f"Set-Cookie: {cookie}\r\nSet-Cookie: {REFRESH}; Path=/\r\n"
    answer = await edge.ask("POST", "/auth/session", SAME, body=b"{}")
    assert answer.all("set-cookie") == [cookie, f"{REFRESH}; Path=/"]

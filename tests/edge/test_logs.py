"""The access log has every request, and no secrets of any."""

import json
from typing import Any

from ava_local.testing.waiting import eventually

from .conftest import Edge, EdgeProxy

SECRETS = {
    "bearer": "SECRETBEARER",
    "cookie": "SECRETCOOKIE",
    "refresh": "SECRETREFRESH",
    "signature": "SECRETSIGNATURE",
    "verify": "SECRETVERIFY",
    "search": "SECRETSEARCH",
    "fragment": "SECRETFRAGMENT",
    "body": "SECRETBODY",
    "idempotency": "SECRETKEY",
    "referer": "SECRETREFERER",
    "answer": "SECRETANSWER",
    "spoofed": "SECRETSPOOF",
    "user": "SECRETUSER",
    "agent": "SECRETAGENT",
}
HEADERS = [
    f"Authorization: Bearer {SECRETS['bearer']}",
    f"Cookie: __Host-ava_at={SECRETS['cookie']}; __Host-ava_rt={SECRETS['refresh']}",
    f"X-Hub-Signature-256: sha256={SECRETS['signature']}",
    f"Idempotency-Key: {SECRETS['idempotency']}",
    f"Referer: http://127.0.0.1/?token_hash={SECRETS['referer']}",
    f"X-Forwarded-For: {SECRETS['spoofed']}",
    f"Proxy-Authorization: Basic {SECRETS['user']}",
    f"User-Agent: {SECRETS['agent']}",
    "Sec-Fetch-Site: same-origin",
]


def entries(edge: Edge) -> list[dict[str, Any]]:
    """The lines about requests, as far as they are written."""
    lines = [json.loads(line) for line in edge.log().splitlines(keepends=True) if line.endswith("\n")]
    return [line for line in lines if line.get("msg") == "handled request"]


async def about(edge: Edge, request_id: str | None) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [line for line in entries(edge) if line["request_id"] == request_id]

    await eventually(found)
    return found()[-1]


async def count_entries(edge: Edge) -> int:
    """The number of lines about requests, once every request answered so far has its line."""
    answer = await edge.ask("GET", "/messages")
    await about(edge, answer.header("x-request-id"))
    return len(entries(edge))


async def ask_everything(edge: Edge) -> int:
    """Answered, refused, unknown and failing requests, each full of secrets."""
    for service in edge.services.values():
        service.extra = f"Set-Cookie: __Host-ava_at={SECRETS['answer']}\r\nX-Service: {SECRETS['answer']}\r\n"
    query = f"?hub.verify_token={SECRETS['verify']}&text={SECRETS['search']}&x=#{SECRETS['fragment']}"
    paths = [
        "/",
        "/auth/session",
        "/profile/avatar",
        "/messages",
        "/webhooks/whatsapp",
        "/nowhere",
        "/messages/..%2f",
    ]
    body = SECRETS["body"].encode()
    for path in paths:
        for method in ("GET", "POST", "PATCH", "TRACE"):
            await edge.ask(method, path + query, *HEADERS, body=body)
    await edge.ask("POST", "/messages" + query, *HEADERS, HEADERS[0], body=body)
    await edge.ask("POST", "/messages" + query, *HEADERS, body=body * 200_000)
    await edge.raw(f"GET /{SECRETS['search']} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".encode())
    return len(paths) * 4 + 2


async def test_no_secret_of_a_request_is_in_any_line(edge: Edge) -> None:
    before = await count_entries(edge)
    asked = await ask_everything(edge)
    await eventually(lambda: len(entries(edge)) >= before + asked)
    found = [name for name, secret in SECRETS.items() if secret in edge.log()]
    assert found == []


async def test_no_secret_is_in_the_lines_about_a_service_that_is_away(
    edge: Edge, edge_proxy: EdgeProxy
) -> None:
    gone = dict.fromkeys(edge.services, 9)  # the discard port: no program listens there
    port, log = edge_proxy.before(gone, duration=("lb_try_duration 10s", "lb_try_duration 300ms"))
    away = type(edge)(port, edge.services, log)
    answer = await away.ask(
        "PATCH", f"/messages?text={SECRETS['search']}", *HEADERS, body=SECRETS["body"].encode()
    )
    assert (answer.status, answer.problem) == (502, "room-away")
    await eventually(lambda: entries(away))
    (line,) = entries(away)
    assert "connection refused" in line["reason"], "the operator learns why"
    assert b"refused" not in answer.body, "the outside does not"
    assert [name for name, secret in SECRETS.items() if secret in away.log()] == []


async def test_a_line_tells_who_asked_what_when_and_how_it_went(edge: Edge) -> None:
    answer = await edge.ask("GET", "/profile/avatar?x=1", *HEADERS)
    line = await about(edge, answer.header("x-request-id"))
    assert (line["request"]["method"], line["request"]["uri"]) == ("GET", "/profile/avatar")
    assert line["request"]["client_ip"] == "127.0.0.1"
    assert line["status"] == 200
    assert line["duration"] > 0
    assert "headers" not in line["request"]
    assert "resp_headers" not in line

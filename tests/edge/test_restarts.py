"""Clients do not notice a service restarting under load; one that stays away is a clear problem."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import Edge, EdgeProxy

ECHO = """
from contextlib import asynccontextmanager

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""
QUIET = ["--no-access-log", "--no-server-header", "--log-level", "error"]
TIMEOUTS = ["--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "5"]
RESTARTS = 3
BETWEEN = 50
"""Answers of each kind before a restart, and after the last one."""


class Upstream:
    """A service as it runs in production: uvicorn with the same options, started and stopped."""

    def __init__(self, folder: Path, port: int) -> None:
        (folder / "echo_service.py").write_text(ECHO)
        self.command = [sys.executable, "-m", "uvicorn", "echo_service:app", "--app-dir", str(folder)]
        self.command += ["--host", "127.0.0.1", "--port", str(port), *QUIET, *TIMEOUTS]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)

    async def restart(self) -> None:
        await asyncio.to_thread(self.stop)
        self.start()


@pytest.fixture
def upstream(edge_proxy: EdgeProxy, tmp_path: Path) -> Iterator[tuple[Upstream, str]]:
    """One uvicorn service behind every upstream of its own Caddy."""
    from_port = edge_proxy.free_port()
    service = Upstream(tmp_path, from_port)
    names = ("auth", "profile", "messaging", "whatsapp-gateway")
    # Long enough for any start on a busy machine: how long a service may be away is not tested here.
    duration = ("lb_try_duration 10s", "lb_try_duration 100s")
    port, _ = edge_proxy.before(dict.fromkeys(names, from_port), duration=duration)
    yield service, f"http://127.0.0.1:{port}"
    service.stop()


REQUESTS = {
    "reading": ("GET", "/messages", {}, b""),
    "writing with a key": ("POST", "/messages", {"Idempotency-Key": "k"}, b"hello" * 200),
    "replacing": ("PUT", "/profile/avatar", {}, b"{}" * 1000),
    "a webhook": ("POST", "/webhooks/whatsapp", {}, b"w" * 100_000),
    "logging in": ("POST", "/auth/session", {"Sec-Fetch-Site": "same-origin"}, b"{}"),
}


async def test_restarts_under_load_drop_nothing_that_may_be_repeated(upstream: tuple[Upstream, str]) -> None:
    service, url = upstream
    outcomes: Counter[tuple[str, int]] = Counter()
    ending = asyncio.Event()

    async def keep_asking(name: str) -> None:
        method, path, headers, body = REQUESTS[name]
        async with httpx.AsyncClient(base_url=url, timeout=110) as client:
            while not ending.is_set():
                answer = await client.request(method, path, headers=headers, content=body)
                whole = answer.status_code == 200 and answer.content == body
                outcomes[name, 200 if whole else answer.status_code] += 1

    async def until_answered(count: int) -> None:
        """Until every kind has so many answers: how long a start takes is the machine's affair."""
        answered = Counter[str]()
        while any(answered[name] < count for name in REQUESTS):
            await asyncio.sleep(0.01)
            answered = Counter(name for name, _ in outcomes.elements())

    async def disturb() -> None:
        for nth in range(RESTARTS):
            await until_answered(BETWEEN * (nth + 1))
            await service.restart()
        await until_answered(BETWEEN * (RESTARTS + 1))
        ending.set()

    async with asyncio.TaskGroup() as group:
        for name in REQUESTS:
            group.create_task(keep_asking(name))
            group.create_task(keep_asking(name))
        group.create_task(disturb())
    assert {status for _, status in outcomes} == {200}, outcomes


async def test_a_service_that_stays_away_is_a_problem_that_says_when_to_come_back(
    edge: Edge, edge_proxy: EdgeProxy
) -> None:
    duration = ("lb_try_duration 10s", "lb_try_duration 1s")
    port, log = edge_proxy.before(dict.fromkeys(edge.services, edge_proxy.free_port()), duration=duration)
    away = Edge(port, edge.services, log)
    asked = [
        ("GET", "/messages"),
        ("POST", "/webhooks/whatsapp"),
        ("POST", "/messages"),
        ("PATCH", "/profile/avatar"),
    ]
    began = time.monotonic()
    answers = await asyncio.gather(*(away.ask(method, path, body=b"{}") for method, path in asked))
    for answer in answers:
        assert (answer.status, answer.problem) == (502, "room-away")
        assert answer.header("retry-after") == "5"
        assert answer.header("x-content-type-options") == "nosniff"
    assert time.monotonic() - began > 0.9, "it was waited for"


KEY, SAME = "Idempotency-Key: k", "Sec-Fetch-Site: same-origin"
REPEATED = [
    ("GET", "/messages"),
    ("HEAD", "/auth/me"),
    ("POST", "/messages", KEY),
    ("PUT", "/messages/1"),
    ("DELETE", "/messages/1"),
    ("PUT", "/profile/avatar"),
    ("DELETE", "/profile/avatar"),
    ("POST", "/webhooks/whatsapp"),
    ("POST", "/auth/login"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/session", SAME),
    ("POST", "/auth/session/refresh", SAME),
    ("POST", "/auth/session/resume", SAME),
]
ONCE = [
    ("POST", "/messages"),
    ("PATCH", "/profile/avatar"),
    ("PATCH", "/profile/avatar", KEY),
    ("POST", "/auth/signup"),
    ("POST", "/auth/recover"),
    ("POST", "/auth/verify"),
    ("PUT", "/auth/password"),
    ("DELETE", "/auth/account"),
]


@pytest.mark.parametrize("request_", REPEATED, ids=" ".join)
async def test_what_may_be_repeated_is_repeated_whole_when_a_service_hangs_up(
    edge: Edge, request_: tuple[str, ...]
) -> None:
    for service in edge.services.values():
        service.hang_ups = 2
    answer = await edge.ask(*request_, body=b"hello")
    assert answer.status == 200
    assert len(edge.seen) == 3
    assert {seen.body for seen in edge.seen} == {b"hello"}
    assert len({seen.header("x-request-id") for seen in edge.seen}) == 1


@pytest.mark.parametrize("request_", ONCE, ids=" ".join)
async def test_what_may_not_be_repeated_is_sent_once_and_the_caller_is_told(
    edge: Edge, request_: tuple[str, ...]
) -> None:
    for service in edge.services.values():
        service.hang_ups = 1
    answer = await edge.ask(*request_, body=b"hello")
    assert (answer.status, answer.problem) == (502, "room-away")
    assert len(edge.seen) == 1

"""A room that restarts under load is noticed by nobody, and one that stays away is said in words."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

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
PATIENT = ["--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "5"]
RESTARTS = 3


class Upstream:
    """A room as it runs in production: uvicorn with the house's options, started and ended like any other."""

    def __init__(self, folder: Path, port: int) -> None:
        (folder / "echo_room.py").write_text(ECHO)
        self.command = [sys.executable, "-m", "uvicorn", "echo_room:app", "--app-dir", str(folder)]
        self.command += ["--host", "127.0.0.1", "--port", str(port), *QUIET, *PATIENT]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    async def restart(self) -> None:
        await asyncio.to_thread(self.stop)
        self.start()


@pytest.fixture
def upstream(hallway, tmp_path) -> Iterator[tuple[Upstream, str]]:
    """One uvicorn room behind every upstream of a Caddy of its own."""
    from_port = hallway.free_port()
    room = Upstream(tmp_path, from_port)
    names = ("auth", "profile", "messaging", "whatsapp-gateway")
    # However slowly a busy machine starts it: what a room's absence may last is not what is asked here.
    patience = ("lb_try_duration 10s", "lb_try_duration 100s")
    port, _ = hallway.before(dict.fromkeys(names, from_port), patience=patience)
    yield room, f"http://127.0.0.1:{port}"
    room.stop()


REQUESTS = {
    "reading": ("GET", "/messages", {}, b""),
    "writing with a key": ("POST", "/messages", {"Idempotency-Key": "k"}, b"hello" * 200),
    "replacing": ("PUT", "/profile/avatar", {}, b"{}" * 1000),
    "a webhook": ("POST", "/webhooks/whatsapp", {}, b"w" * 100_000),
    "logging in": ("POST", "/auth/session", {"Sec-Fetch-Site": "same-origin"}, b"{}"),
}


async def test_restarts_under_load_drop_nothing_that_may_be_repeated(upstream):
    room, url = upstream
    outcomes: Counter[tuple[str, int]] = Counter()
    ending = asyncio.Event()

    async def keep_asking(name: str) -> None:
        method, path, headers, body = REQUESTS[name]
        async with httpx.AsyncClient(base_url=url, timeout=110) as client:
            while not ending.is_set():
                answer = await client.request(method, path, headers=headers, content=body)
                whole = answer.status_code == 200 and answer.content == body
                outcomes[name, 200 if whole else answer.status_code] += 1

    async def disturb() -> None:
        for _ in range(RESTARTS):
            await asyncio.sleep(0.7)
            await room.restart()
        async with httpx.AsyncClient(base_url=url, timeout=110) as client:
            await client.get("/messages")
        ending.set()

    async with asyncio.TaskGroup() as group:
        for name in REQUESTS:
            group.create_task(keep_asking(name))
            group.create_task(keep_asking(name))
        group.create_task(disturb())
    assert {status for _, status in outcomes} == {200}, outcomes
    assert {name for name, _ in outcomes} == set(REQUESTS)
    assert min(outcomes.values()) > RESTARTS, outcomes


async def test_a_room_that_stays_away_is_a_problem_that_says_when_to_come_back(edge, hallway):
    patience = ("lb_try_duration 10s", "lb_try_duration 1s")
    port, log = hallway.before(dict.fromkeys(edge.rooms, hallway.free_port()), patience=patience)
    away = type(edge)(port, edge.rooms, log)
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
async def test_what_may_be_repeated_is_repeated_whole_when_a_room_hangs_up(edge, request_):
    for room in edge.rooms.values():
        room.hang_ups = 2
    answer = await edge.ask(*request_, body=b"hello")
    assert answer.status == 200
    assert len(edge.seen) == 3
    assert {seen.body for seen in edge.seen} == {b"hello"}
    assert len({seen.header("x-request-id") for seen in edge.seen}) == 1


@pytest.mark.parametrize("request_", ONCE, ids=" ".join)
async def test_what_may_not_be_repeated_is_sent_once_and_the_caller_is_told(edge, request_):
    for room in edge.rooms.values():
        room.hang_ups = 1
    answer = await edge.ask(*request_, body=b"hello")
    assert (answer.status, answer.problem) == (502, "room-away")
    assert len(edge.seen) == 1

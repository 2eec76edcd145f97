"""Benchmark: a cheap request to auth while people log in, next to a service that hashes on its event loop."""

import asyncio
import http.client
import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import bcrypt

from ava_local.testing.accounts import Account, insert_accounts
from bench.benchmark_setup import scratch
from bench.comparison import percentile
from bench.load_generator import Connection, ask
from bench.results import Found, Table, at_most, shown
from bench.running_stack import OURS, WholeStack
from bench.servers import serving
from bench.size import Size

PASSWORD = "a-long-enough-passphrase-of-the-benchmark"
EVERY_SECONDS = 0.01
_CHEAP = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(frozen=True)
class _Service:
    """Where to log in, and what costs nearly nothing."""

    name: str
    port: int
    log_in: str
    cheap: bytes


async def measure(whole: WholeStack, size: Size) -> Found:
    """The hash costs the same in both."""
    emails = [f"{uuid4()}@people.example" for _ in range(200)]
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    admin = await asyncpg.connect(whole.stack.database_url())
    await insert_accounts(admin, [Account(uuid4(), email, hashed) for email in emails])
    await admin.close()
    folder = scratch()
    with ExitStack() as entered:
        entered.callback(shutil.rmtree, folder, ignore_errors=True)
        variables = {"BENCH_HASH": hashed}
        rival = entered.enter_context(serving("bench.rivals.login_on_loop:app", folder, variables))
        rival.resume()
        services = (
            _Service(OURS, whole.stack.layout.port_of("auth"), "/auth/login", b"/healthz"),
            _Service("hashing on the event loop", rival.port, "/login", b"/healthz"),
        )
        rows = [
            await asyncio.to_thread(_measured, service, emails, size)
            for _ in range(size.rounds)
            for service in services
        ]
    ours, others = ([row["ratio"] for row in rows if row["name"] == one.name] for one in services)
    return Found(
        [
            at_most(f"cheap request, p99 while {size.logins} log in ÷ idle", 2, ours),
            shown("the same, hashing on the event loop", others),
        ],
        [Table(f"A cheap request while {size.logins} people log in all the time", rows)],
    )


def _measured(service: _Service, emails: list[str], size: Size) -> dict[str, Any]:
    idle, ended = _p99(service, size.login_seconds), threading.Event()
    done: list[int] = []
    turns = itertools.cycle(emails).__next__
    people = [
        threading.Thread(target=_log_in_again, args=(service, turns, ended, done)) for _ in range(size.logins)
    ]
    for one in people:
        one.start()
    time.sleep(0.2)
    busy = _p99(service, size.login_seconds)
    ended.set()
    for one in people:
        one.join()
    return {
        "name": service.name, "ratio": round(busy / idle, 2), "idle_p99_ms": round(idle * 1000, 2),
        "busy_p99_ms": round(busy * 1000, 2), "logins": len(done),
    }  # fmt: skip


def _p99(service: _Service, seconds: float) -> float:
    """From when each request was due, so that one that waits does not hide those behind it."""
    connection, began = Connection(service.port), time.perf_counter()
    due = [began + number * EVERY_SECONDS for number in range(round(seconds / EVERY_SECONDS))]
    latencies: list[float] = []
    for moment in due:
        time.sleep(max(0.0, moment - time.perf_counter()))
        if time.perf_counter() < began + seconds:
            ask(connection, _CHEAP % service.cheap)
        latencies.append(time.perf_counter() - moment)  # one that was never sent has waited so long at least
    connection.socket.close()
    return percentile(sorted(latencies), 0.99)


def _log_in_again(
    service: _Service, email: Callable[[], str], ended: threading.Event, done: list[int]
) -> None:
    """Log in until it ends; only successes count."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    while not ended.is_set():
        body = json.dumps({"email": email(), "password": PASSWORD})
        connection.request("POST", service.log_in, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status == 200:
            done.append(1)
    connection.close()

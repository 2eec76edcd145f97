"""Benchmark: a page of the log by any combination of filters, for a user with a hundred times the rows."""

import itertools
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from ava_local.testing.databases import Database
from bench.benchmark_setup import BenchmarkSetup
from bench.load_generator import Connection, ask
from bench.newest_messages import SERVICE, service_variables
from bench.results import Found, Table, at_most, shown
from bench.servers import serving
from bench.size import Size
from chaos.simulated_users import create_users

TIMES = 100
_LOG = """
insert into public.messages (user_id, avatar_id, channel, role, content, created_at)
select $1, case when n % 5 > 0 then $2::uuid end, case when n % 3 = 0 then 'app' else 'whatsapp' end,
  case when n % 2 = 0 then 'user' else 'assistant' end,
  'This is a message of usual length' || case when n % 10 = 0 then ' about sleep' else '' end
    || case when n % 1000 = 0 then ', and a rare word' else '' end,
  $4::timestamptz - n * interval '1 second'
from generate_series(1, $3::integer) as n
"""


async def measure(setup: BenchmarkSetup, size: Size) -> Found:
    """Requests to both logs in turn, one at a time; the ratio is of the medians."""
    now = datetime.now(UTC).replace(microsecond=0)
    large, small = await setup.database("heavy"), await setup.database("light")
    logs = (
        (large, await _filled(large, size.messages, now)),
        (small, await _filled(small, size.messages // TIMES, now)),
    )
    with ExitStack() as entered:
        asking = []
        for database, (user, avatar) in logs:
            server = entered.enter_context(serving(SERVICE, setup.folder, service_variables(setup, database)))
            server.resume()
            asking.append(_Asker(server.port, setup.issuer.token(user), avatar, now))
        rows = [_compared(asking, chosen, size.asked) for chosen in _combinations()[: size.combinations]]
        rare = _compared(asking, ("rare",), size.asked)
    worst = max(rows, key=lambda row: row["ratio"])
    ratios = [row["ratio"] for row in rows]
    return Found(
        [
            at_most(f"list with any filters, {TIMES} × the rows, p50", 1.5, ratios),
            at_most(f"the same, the slowest combination ({worst['name']})", 1.5, [worst["ratio"]]),
            shown("the same, a word in one of 1,000 messages", [rare["ratio"]]),
        ],
        [Table(f"A page of a log {TIMES} times as long, ms", sorted([*rows, rare], key=_ratio)[-8:])],
    )


def _ratio(row: dict[str, Any]) -> float:
    return float(row["ratio"])


def _combinations() -> list[tuple[str, ...]]:
    names = ("channel", "role", "avatar_id", "since", "until", "text")
    return [chosen for length in range(len(names) + 1) for chosen in itertools.combinations(names, length)]


class _Asker:
    """Asks one service for pages of one user's log."""

    def __init__(self, port: int, token: str, avatar: UUID, now: datetime) -> None:
        self._connection, self._token = Connection(port), token
        since, until = (now - timedelta(seconds=ago) for ago in (2000, 100))
        self._values = {
            "channel": "channel=whatsapp", "role": "role=user", "avatar_id": f"avatar_id={avatar}",
            "since": f"since={quote(since.isoformat())}", "until": f"until={quote(until.isoformat())}",
            "text": "text=sleep", "rare": "text=rare",
        }  # fmt: skip

    def seconds(self, chosen: Sequence[str]) -> float:
        query = "&".join(["limit=20", *(self._values[name] for name in chosen)])
        request = f"GET /messages?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        request += f"Authorization: Bearer {self._token}\r\n\r\n"
        began = time.perf_counter()
        ask(self._connection, request.encode())
        return time.perf_counter() - began


def _compared(asking: Sequence[_Asker], chosen: Sequence[str], times: int) -> dict[str, Any]:
    for one in asking:
        one.seconds(chosen)
    taken = [[one.seconds(chosen) for one in asking] for _ in range(times)]
    large, small = (statistics.median(column) * 1000 for column in zip(*taken, strict=True))
    name = " + ".join(chosen) or "none"
    return {
        "name": name,
        "ratio": round(large / small, 2),
        "large": round(large, 2),
        "small": round(small, 2),
    }


async def _filled(database: Database, messages: int, now: datetime) -> tuple[UUID, UUID]:
    """The user and their avatar."""
    [user] = await create_users(database.url("supabase_admin"), 1)
    [row] = await database.admin("select id from public.avatars where user_id = $1", user.id)
    await database.admin(_LOG, user.id, row["id"], messages, now)
    await database.admin("vacuum (analyze) public.messages")
    return user.id, row["id"]

"""The limit for a page of messages: the same transaction without any of Ava's code around it."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from ava_local.postgres.server_binaries import usable_binaries
from ava_local.testing.databases import Database
from bench.benchmark_setup import BenchmarkSetup
from bench.comparison import Turn
from bench.load_generator import Load, LoadFailed
from bench.servers import database_cpu

CONNECTIONS = 5
"""As many as messaging had before decision 0189: one limit for all releases."""

PLANNED = "-c plan_cache_mode=force_custom_plan -c enable_seqscan=on"
"""Options of a connection that plans for each user, as services once did: one limit for all releases.

Decision 0183.
"""

LIMIT = 21
"""A page of 20 asks for one more, to know whether there is a next page."""

_BECOME = "select set_config('role', 'ava_messaging', true), set_config('request.jwt.claims', {claims}, true)"
_KEY = "\\set key random(1, 1000000000000000)"
_PAGE = """
select id, avatar_id, channel, role, content, created_at, external_id from public.messages
where user_id = {person} order by created_at desc, id desc limit {limit}
"""


def pgbench(
    setup: BenchmarkSetup,
    database: Database,
    scripts: Sequence[str],
    options: str = "",
    *,
    connections: int = CONNECTIONS,
) -> Callable[[float], Turn]:
    """One of the scripts each time, chosen at random; whole seconds only, because pgbench counts so."""
    program = usable_binaries(setup.cluster.version, setup.cluster.folder) / "pgbench"
    clients = ("-n", "-M", "prepared", "-c", str(connections), "-j", "1")
    command = [str(program), *clients, *scripts]

    def take_turn(seconds: float) -> Turn:
        whole = ["-T", str(max(1, round(seconds))), database.url("ava_messaging")]
        before, database_before = _children(), database_cpu(setup.cluster)
        environment = {**os.environ, "PGOPTIONS": options}
        done = subprocess.run(
            [*command, *whole], check=False, capture_output=True, text=True, env=environment
        )
        program, served = _children() - before, database_cpu(setup.cluster) - database_before
        return Turn(_read(done.stdout, done.stderr), program, served)

    return take_turn


def read_scripts(folder: Path, people: Sequence[UUID]) -> list[str]:
    """Arguments of pgbench: each of these people reads their newest page."""
    return _scripts(folder, "read", people, lambda person: [_page(person, LIMIT)])


def write_scripts(folder: Path, people: Sequence[UUID], statement: str) -> list[str]:
    """Each of these people writes messages with keys of their own; `{person}` stands for who writes."""
    return _scripts(folder, "write", people, lambda person: [_KEY, statement.format(person=person)])


def call_scripts(folder: Path, people: Sequence[UUID], call: str) -> list[str]:
    """Each of these people makes this call, a transaction of its own; `{claims}` stands for who calls."""
    arguments = []
    for number, person in enumerate(people):
        script = folder / f"call-{number}.sql"
        script.write_text(f"{_KEY}\n{call.format(claims=f':claims{number}')};\n")
        arguments += ["-D", f"claims{number}={_claims(person)}", f"--file={script}"]
    return arguments


def _scripts(
    folder: Path, name: str, people: Sequence[UUID], lines: Callable[[str], Sequence[str]]
) -> list[str]:
    """Arguments; values travel as parameters, so that PostgreSQL plans as it does for the service."""
    arguments = []
    for number, person in enumerate(people):
        become = _BECOME.format(claims=f":claims{number}")
        *first, last = lines(f":person{number}")
        script = folder / f"{name}-{number}.sql"
        script.write_text("\n".join([*first, "begin;", f"{become};", f"{last};", "commit;", ""]))
        arguments += ["-D", f"person{number}={person}", "-D", f"claims{number}={_claims(person)}"]
        arguments.append(f"--file={script}")
    return arguments


def _page(person: str, limit: int | str) -> str:
    """On one line, as pgbench wants it."""
    return " ".join(_PAGE.format(person=person, limit=limit).split())


def _read(said: str, complained: str) -> Load:
    count = re.search(r"transactions actually processed: (\d+)", said)
    rate = re.search(r"tps = ([\d.]+)", said)
    latency = re.search(r"latency average = ([\d.]+) ms", said)
    if not count or not rate or not latency:
        raise LoadFailed(complained[-600:])
    return Load(int(count[1]), int(count[1]) / float(rate[1]), [float(latency[1]) / 1000])


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def asyncpg_alone(
    setup: BenchmarkSetup, database: Database, people: Sequence[UUID]
) -> Callable[[float], Turn]:
    """As many connections as the service has, each busy all the time."""

    def take_turn(seconds: float) -> Turn:
        served, used = database_cpu(setup.cluster), time.process_time()
        with asyncio.Runner(loop_factory=_fast_loop) as runner:
            found = runner.run(_ask_all(database.url("ava_messaging"), people, seconds))
        return Turn(found, time.process_time() - used, database_cpu(setup.cluster) - served)

    return take_turn


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


async def _ask_all(url: str, people: Sequence[UUID], seconds: float) -> Load:
    opened = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]
    users = itertools.cycle(people)
    began = time.perf_counter()
    asking = [_ask(one, users, began + seconds) for one in opened]
    latencies = sorted(itertools.chain.from_iterable(await asyncio.gather(*asking)))
    found = Load(len(latencies), time.perf_counter() - began, latencies)
    for one in opened:
        with contextlib.suppress(OSError):
            await one.close()
    return found


async def _ask(connection: asyncpg.Connection, people: Iterator[UUID], until: float) -> list[float]:
    become, page = _BECOME.format(claims="$1"), _page("$1", "$2")
    latencies, now = [], time.perf_counter()
    while now < until:
        person = next(people)
        async with connection.transaction():
            await connection.execute(become, _claims(person))
            rows = await connection.fetch(page, person, LIMIT)
        if not rows:
            raise LoadFailed("this person sees no messages")
        now, began = time.perf_counter(), now
        latencies.append(now - began)
    return latencies


def _claims(person: UUID) -> str:
    return json.dumps({"sub": str(person), "role": "authenticated"})

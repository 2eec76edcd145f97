"""Benchmark: one message written to the log, idempotently, row-level security on, token verified."""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

from bench import supabase_py
from bench.benchmark_setup import BenchmarkSetup, filled
from bench.comparison import Turn, Variant, compare
from bench.newest_messages import PEOPLE, SERVICE, SMALL, service_variables
from bench.results import Found, Table, at_least, shown
from bench.servers import Server, serving
from bench.size import Size
from bench.theoretical_limit import call_scripts, pgbench, write_scripts

LIMIT, STATEMENTS, PLAIN, OURS, SUPABASE = (
    "pgbench, the same call (limit)",
    "pgbench, the same statement by statement",
    "pgbench, a plain INSERT",
    "ours",
    "FastAPI + supabase-py",
)
# What the service's call does, in the order of the log and with the account looked at.
_SAME = """
insert into public.messages (user_id, avatar_id, channel, role, content, external_id, created_at)
values (ava_private.own_account(), ava_private.own_avatar(), 'app', 'user',
  'Good morning, how did you sleep?',
  'app:' || {person} || :key,
  messaging.next_created_at(p_user_id => ava_private.own_account(), p_wanted => clock_timestamp()))
on conflict on constraint messages_external_id_key do nothing
returning id, avatar_id, channel, role, content, created_at, external_id, sent_at, edited_at, deleted_at
"""
_PLAIN = """
insert into public.messages (user_id, channel, role, content, external_id)
values ({person}, 'app', 'user', 'Good morning, how did you sleep?', 'app:' || :key)
on conflict on constraint messages_external_id_key do nothing returning id, created_at
"""
_CALL = """
select messaging.append_2(p_claims => {claims}, p_id => gen_random_uuid(), p_avatar_id => null,
  p_own_avatar => true, p_channel => 'app', p_role => 'user',
  p_content => 'Good morning, how did you sleep?', p_external_id => 'app:' || :key, p_sent_at => null,
  p_wanted => null)
"""
_AS_THE_SERVICE = 7
"""Connections, decision 0189."""
_keys = itertools.count(1)


async def measure(setup: BenchmarkSetup, size: Size) -> Found:
    """Every message is new and has a key of its own."""
    async with variants(setup) as compared:
        found = await compare(compared, size.rounds, size.seconds)
    return Found(
        [
            at_least("append ÷ pgbench", 0.4, found.ratios(OURS, LIMIT)),
            at_least("append ÷ FastAPI + supabase-py", 8, found.ratios(OURS, SUPABASE)),
            shown("append ÷ pgbench, statement by statement", found.ratios(OURS, STATEMENTS)),
            shown("append ÷ pgbench, a plain INSERT", found.ratios(OURS, PLAIN)),
        ],
        [Table("One message written to the log with an Idempotency-Key", found.rows())],
    )


@asynccontextmanager
async def variants(setup: BenchmarkSetup) -> AsyncIterator[list[Variant]]:
    """The limit first; all write to the same table."""
    database = await setup.database("append")
    people = await filled(database, PEOPLE, SMALL)
    same, plain = (
        write_scripts(_folder(setup, name), people[:10], " ".join(statement.split()))
        for name, statement in (("same", _SAME), ("plain", _PLAIN))
    )
    calls = call_scripts(_folder(setup, "call"), people[:10], " ".join(_CALL.split()))
    async with AsyncExitStack() as servers:
        ours = servers.enter_context(serving(SERVICE, setup.folder, service_variables(setup, database)))
        supabase = await servers.enter_async_context(supabase_py.serving_supabase(setup, database))
        yield [
            Variant(LIMIT, pgbench(setup, database, calls, connections=_AS_THE_SERVICE)),
            Variant(STATEMENTS, pgbench(setup, database, same)),
            Variant(PLAIN, pgbench(setup, database, plain)),
            Variant(OURS, _turns(ours, setup, people)),
            Variant(SUPABASE, _turns(supabase, setup, people)),
        ]


def _folder(setup: BenchmarkSetup, name: str) -> Path:
    folder = setup.folder / name
    folder.mkdir()
    return folder


def requests(setup: BenchmarkSetup, people: Sequence[UUID]) -> Callable[[], bytes]:
    """All users in turn write a message, each with a new key."""
    body = json.dumps({"content": "Good morning, how did you sleep?"}).encode()
    head = f"POST /messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/json\r\n"
    heads = [f"{head}Authorization: Bearer {setup.issuer.token(one)}\r\n".encode() for one in people]
    turns = itertools.cycle(heads)
    return lambda: b"%sIdempotency-Key: bench-%d\r\n\r\n%s" % (next(turns), next(_keys), body)


def _turns(server: Server, setup: BenchmarkSetup, people: Sequence[UUID]) -> Callable[[float], Turn]:
    make = requests(setup, people)
    return lambda seconds: server.take_turn(make, seconds, setup.cluster)

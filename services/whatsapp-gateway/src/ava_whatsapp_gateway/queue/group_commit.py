"""Group commit of what lanes say: what gathers during one statement goes into the next, a lone one at once.

Decisions 0159, 0165, 0181 and 0187.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from ava_common.database import Pool
from ava_common.database_errors import is_away

_PATIENCE = "patience as materialized (select set_config('lock_timeout', '1s', true){})"
_DISK_LATER = ", set_config('synchronous_commit', 'off', true)"
_FREE = """
select l.contact_id, l.token, l.due_at from patience, whatsapp.lanes as l where l.contact_id in ({lanes})
order by l.contact_id for update of l skip locked
"""
LEASE_LEFT = 0.75
"""How much of a lease is left at least when a call begins: the database extends a shorter one."""
_HELD = f"""
case when free.token is distinct from a.fence or free.due_at < clock_timestamp() + a.lease * {LEASE_LEFT}
  then a.lease end as lease
"""
"""Null where the function need not ask for the lane again: it is locked, and says one thing at a time."""
_MOST = 64
"""At most so many in one statement."""

_TURNS = 8
"""Of the event loop, before each statement: lanes that were just answered, and what our sockets hold by then,
share it."""


class Call:
    """A call of one of the database's functions; `values` are its values' names and types, in their order.

    With `lane` the function locks the lane of the value `contact_id` until the commit, under the token
    `fence`, and extends its `lease`; where that is null it is locked already. With `carried` the
    commit need not wait for the disk: what is done because of it begins with one that does.
    """

    def __init__(self, function: str, values: str, *, lane: bool = True, carried: bool = False) -> None:
        self.function, self.lane, self.carried = function, lane, carried
        self.columns = [one.split() for one in values.split(", ")]


@dataclass(slots=True, eq=False)
class _Asked:
    call: Call
    values: tuple[Any, ...]
    answer: "asyncio.Future[str]"


class GroupCommit:
    """Calls of many lanes in one statement and one commit; no answer is given before that is done.

    A lane that is locked by others, and each call of a statement that failed, is asked about by itself, so
    that none waits or fails because of another one.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Asked] = []
        self._group: list[_Asked] = []
        self._group_ends = asyncio.timeout(None)
        self._committing: asyncio.Task[None] | None = None
        self._alone: dict[_Asked, asyncio.Task[None]] = {}

    async def ask(self, call: Call, *values: Any) -> Any:
        """What the function returned: a text, or a row as a dictionary of JSON's types.

        Durable on return, unless the call is carried. Raises what asyncpg raises.
        """
        asked = _Asked(call, values, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._committing is None:
            self._committing = asyncio.create_task(self._work_off())
        try:
            return orjson.loads(await asked.answer)
        except asyncio.CancelledError:
            await self._take_back(asked)
            raise

    async def _take_back(self, asked: _Asked) -> None:
        """Its lane is given up, or this process stops: not done, unless it is in a statement with others."""
        if asked in self._waiting:
            self._waiting.remove(asked)
        elif asked in self._alone:
            self._alone[asked].cancel()
            await asyncio.wait([self._alone[asked]])
        elif self._committing and asked in self._group and all(other.answer.done() for other in self._group):
            if self._group_ends.when() is None:
                self._group_ends.reschedule(0.0)
            await asyncio.wait([self._committing])

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                self._group = []
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                self._group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                if self._group:  # else taken back meanwhile
                    await self._commit(self._group)
        finally:
            self._group, self._committing = [], None

    async def _commit(self, group: list[_Asked]) -> None:
        by_call: dict[Call, list[_Asked]] = {}
        for asked in sorted(group, key=lambda one: one.call.function):  # one statement for the same calls
            by_call.setdefault(asked.call, []).append(asked)
        columns: list[Sequence[Any]] = []
        for some in by_call.values():
            columns += zip(*(asked.values for asked in some), strict=True)
        try:
            async with asyncio.timeout(None) as self._group_ends:
                rows = await self._pool.fetch(_together(tuple(by_call)), *columns)
        except Exception as error:
            if is_away(error):  # it may have been committed, so none is asked twice
                _fail(group, error)
            rows = []
        calls = list(by_call.values())
        for row in rows:
            answer = calls[row["call"]][row["nth"] - 1].answer
            if not answer.done():  # its lane may have been given up meanwhile
                answer.set_result(row["answer"])
        for asked in group:
            if not asked.answer.done():
                self._alone[asked] = asyncio.create_task(self._ask_alone(asked))

    async def _ask_alone(self, asked: _Asked) -> None:
        try:
            answer = await self._pool.fetchval(_by_itself(asked.call), *asked.values)
            if not asked.answer.done():
                asked.answer.set_result(answer)
        except Exception as error:
            _fail([asked], error)
        finally:
            del self._alone[asked]


def _fail(group: list[_Asked], error: Exception) -> None:
    for asked in group:
        if not asked.answer.done():
            asked.answer.set_exception(error)


@lru_cache
def _by_itself(call: Call) -> str:
    values = ", ".join(f"${n}::{type_} as {name}" for n, (name, type_) in enumerate(call.columns, 1))
    return f"select to_jsonb(answer) from (select {values}) as asked, lateral {call.function} as answer"


@lru_cache
def _together(calls: Sequence[Call]) -> str:
    """One statement for many of each; `call` and `nth` of a row say whose answer it is.

    It waits for no lane, and for no other lock for long.
    """
    asked, allowed, answers, position = [], [], [], 0
    for number, call in enumerate(calls):
        arrays = ", ".join(f"${position + n}::{type_}[]" for n, (_, type_) in enumerate(call.columns, 1))
        position += len(call.columns)
        names = [name for name, _ in call.columns]
        row = f"a ({', '.join(names)}, nth)"
        asked.append(f"asked_{number} as (select * from unnest({arrays}) with ordinality as {row})")
        values = ", ".join(_HELD if call.lane and name == "lease" else f"a.{name}" for name in names)
        free = " join free using (contact_id)" if call.lane else ""
        # Materialised, so that no function is called for a lane that is not locked.
        of_lanes = f"patience, asked_{number} as a{free}"
        allowed.append(f"allowed_{number} as materialized (select {values}, nth from {of_lanes})")
        answers.append(
            f"select {number} as call, asked.nth, to_jsonb(answer) as answer"
            f" from allowed_{number} as asked, lateral {call.function} as answer"
        )
    if lanes := [f"select contact_id from asked_{n}" for n, call in enumerate(calls) if call.lane]:
        asked.append(f"free as materialized ({_FREE.format(lanes=' union all '.join(lanes))})")
    patience = _PATIENCE.format(_DISK_LATER if all(call.carried for call in calls) else "")
    return f"with {patience}, {', '.join([*asked, *allowed])} {' union all '.join(answers)}"

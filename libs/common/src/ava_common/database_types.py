"""PostgreSQL is asked what its own types are once for each process, not once for each connection.

Decision 0166.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

if TYPE_CHECKING:
    _AsyncpgConnection = asyncpg.Connection[asyncpg.Record]
else:
    _AsyncpgConnection = asyncpg.Connection

FIRST_UNLASTING_TYPE = 10_000
"""Types below this have the same number in each database and version; others come and go."""

_known: dict[int, list[Any]] = {}


class _Asked(NamedTuple):
    """What was prepared to ask about types; with a name, it replaced no unnamed statement."""

    name: str


class KnowsTypes(_AsyncpgConnection):
    """A connection that knows what another one has learned about types such as `bigint[]`.

    The question takes 11 ms of PostgreSQL and leaves 2 MB in the process that serves the connection.
    """

    async def _introspect_types(self, typeoids: Any, seconds: float | None) -> tuple[list[Any], Any]:
        found = [row for oid in typeoids for row in _known.get(oid, ())]
        if not (unknown := [oid for oid in typeoids if oid not in _known]):
            return found, _Asked("nothing")
        rows, asked = await super()._introspect_types(unknown, seconds)  # type: ignore[misc]
        lasting = [row for row in rows if row["oid"] < FIRST_UNLASTING_TYPE]
        _known.update({oid: lasting for oid in unknown if oid < FIRST_UNLASTING_TYPE})
        return [*rows, *found], asked

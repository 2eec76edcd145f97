"""Opens the connection pool as supabase_auth_admin, with JSON columns as Python values."""

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Record: TypeAlias = asyncpg.Record
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Record = Pool = Connection = Any


async def open_pool(url: str) -> Pool:
    """At most two connections, of 2 MB each; one is opened now, so that the first request need not wait."""
    return await asyncpg.create_pool(
        url, min_size=1, max_size=2, init=_register_json_codecs, reset=_skip_reset, command_timeout=10
    )


async def _register_json_codecs(connection: Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def _skip_reset(_: Connection) -> None:
    """No session state is ever set, so the reset's extra round trip buys nothing."""

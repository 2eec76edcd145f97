"""The export: a user's whole log, line by line, while it is being read.

Decision 0073.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from starlette.responses import StreamingResponse
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from ava_common.caller import Caller
from ava_common.database import Pool
from ava_common.problems import Problem
from ava_messaging import store
from ava_messaging.filters import ExportQuery
from ava_messaging.messages import Message

MEDIA_TYPE = "application/x-ndjson"
CONCURRENT_EXPORTS = 2


class TooManyExports(Problem):
    """Too many exports are running. Try again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class ExportSlots:
    """An export holds a database connection while it is read: only a few at once, so that others get one."""

    def __init__(self, at_once: int = CONCURRENT_EXPORTS) -> None:
        self._free = at_once

    def __enter__(self) -> None:
        if not self._free:
            raise TooManyExports
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


class NdjsonResponse(StreamingResponse):
    """Newline-delimited JSON; a client that reads nothing for `patience_seconds` is disconnected."""

    media_type = MEDIA_TYPE
    patience_seconds = 30.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: AsgiMessage) -> None:
            async with asyncio.timeout(self.patience_seconds):
                await send(message)

        await super().__call__(scope, receive, send_in_time)


@asynccontextmanager
async def open_export(
    slots: ExportSlots, pool: Pool, caller: Caller, query: ExportQuery, at_once: int = 500
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The lines, once the first are read: an error before that is still a problem document."""
    with slots:
        async with (
            store.transaction_for(pool, caller, snapshot=True) as connection,
            aclosing(store.stream(connection, caller, query, query.order, at_once)) as batches,
        ):
            empty: list[Message] = []
            yield _lines(await anext(batches, empty), batches)


async def _lines(first: list[Message], rest: AsyncIterator[list[Message]]) -> AsyncIterator[bytes]:
    yield _encoded(first)
    async for batch in rest:
        yield _encoded(batch)


def _encoded(batch: list[Message]) -> bytes:
    return b"".join(message.model_dump_json().encode() + b"\n" for message in batch)

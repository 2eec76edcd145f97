"""Give a person everything they said and heard, line by line, while it is being read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from starlette.responses import StreamingResponse
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from ava_common.callers import Caller
from ava_common.database import Pool
from ava_common.problems import Problem
from ava_messaging import store
from ava_messaging.filters import ExportAsked
from ava_messaging.messages import Message

MEDIA_TYPE = "application/x-ndjson"
AT_ONCE = 2


class TooManyExports(Problem):
    """Others are taking their messages with them right now. Try again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class Exports:
    """An export holds a connection while its reader reads: a few at once, so that the log stays readable."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once

    def __enter__(self) -> None:
        if not self._free:
            raise TooManyExports
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


class Lines(StreamingResponse):
    """A stream whose reader must keep reading: who takes nothing for half a minute is let go."""

    media_type = MEDIA_TYPE
    patience_seconds = 30.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: AsgiMessage) -> None:
            async with asyncio.timeout(self.patience_seconds):
                await send(message)

        await super().__call__(scope, receive, send_in_time)


@asynccontextmanager
async def opened(
    exports: Exports, pool: Pool, caller: Caller, asked: ExportAsked
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The lines, once the first are in hand: what goes wrong before that is still a problem document."""
    with exports:
        async with (
            store.speaking_for(pool, caller) as connection,
            aclosing(store.stream(connection, caller.id, asked, asked.order)) as batches,
        ):
            nothing: list[Message] = []
            yield _lines(await anext(batches, nothing), batches)


async def _lines(first: list[Message], rest: AsyncIterator[list[Message]]) -> AsyncIterator[bytes]:
    yield _written(first)
    async for batch in rest:
        yield _written(batch)


def _written(batch: list[Message]) -> bytes:
    return b"".join(message.model_dump_json().encode() + b"\n" for message in batch)

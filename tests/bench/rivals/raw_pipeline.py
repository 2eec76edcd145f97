"""The limit of an echo: one program, sockets without a library, and every step as durable as ours.

Bytes committed before they are acknowledged, the turn and the row of the outbox before the call, what became
of it after, statuses merged; messages of one phone in order. What gathers during a commit shares the next.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import asyncpg
import uvloop

SECRET = os.environ["BENCH_APP_SECRET"].encode()
GRAPH_PORT = int(os.environ["BENCH_GRAPH_PORT"])
RANKS = {"sent": 1, "delivered": 2, "read": 3, "failed": 4}
_KEEP = "insert into bench.deliveries (body) select unnest($1::bytea[])"
_ROWS = "unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as n"
_TURN = f"""
with said as (
  insert into bench.log (phone, role, content, external_id)
  select phone, 'user', body, key from {_ROWS} (id, key, phone, body) on conflict do nothing)
insert into bench.outbox (id, key, body)
select id, key, body from {_ROWS} (id, key, phone, body) on conflict do nothing
"""  # noqa: S608
_ACCEPTED = f"""
with sent as (
  update bench.outbox as o set wamid = n.wamid from {_ROWS} (id, wamid, phone, body) where o.id = n.id)
insert into bench.log (phone, role, content, external_id)
select phone, 'assistant', body, wamid from {_ROWS} (id, wamid, phone, body) on conflict do nothing
"""  # noqa: S608
_STATUS = """
update bench.outbox as o set status = n.status, status_rank = n.status_rank
from (
  select distinct on (wamid) * from unnest($1::text[], $2::text[], $3::integer[])
    as s (wamid, status, status_rank)
  order by wamid, status_rank desc) as n
where o.wamid = n.wamid and coalesce(o.status_rank, 0) < n.status_rank
"""


class Group:
    """One statement for all rows that gathered while the last one ran."""

    def __init__(self, pool: Any, statement: str) -> None:
        self._pool, self._statement = pool, statement
        self._rows: list[tuple[Any, ...]] = []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: asyncio.Task[None] | None = None

    async def write(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows += rows
        done = self._done
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._rows:
            rows, self._rows = self._rows, []
            done, self._done = self._done, asyncio.get_running_loop().create_future()
            columns = [list(column) for column in zip(*rows, strict=True)]
            written = False
            while not written:
                with suppress(asyncpg.DeadlockDetectedError):  # statuses and sends are the same rows
                    await self._pool.execute(self._statement, *columns)
                    written = True
            done.set_result(None)
        self._running = None


class Echo:
    def __init__(self, pool: Any) -> None:
        self.keep, self.turn = Group(pool, _KEEP), Group(pool, _TURN)
        self.accepted, self.status = Group(pool, _ACCEPTED), Group(pool, _STATUS)
        self._last: dict[str, asyncio.Task[None]] = {}
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def receive(self, headers: dict[bytes, bytes], body: bytes) -> int:
        expected = b"sha256=" + hmac.digest(SECRET, body, hashlib.sha256).hex().encode()
        if not hmac.compare_digest(headers[b"x-hub-signature-256"], expected):
            return 403
        await self.keep.write([(body,)])
        statuses = []
        for entry in json.loads(body)["entry"]:
            for change in entry["changes"]:
                for message in change["value"].get("messages", ()):
                    self._in_order(message["from"], message["id"], message["text"]["body"])
                statuses += change["value"].get("statuses", ())
        if statuses:
            rows = [(one["id"], one["status"], RANKS[one["status"]]) for one in statuses]
            _start(self.status.write(rows))
        return 200

    def _in_order(self, phone: str, key: str, text: str) -> None:
        self._last[phone] = _start(self._answer(self._last.get(phone), phone, key, text))

    async def _answer(self, before: "asyncio.Task[None] | None", phone: str, key: str, text: str) -> None:
        if before is not None:
            await before
        send = uuid.uuid4()
        await self.turn.write([(send, key, phone, text)])
        wamid = await self._call(send, phone, text)
        await self.accepted.write([(send, wamid, phone, text)])

    async def _call(self, send: uuid.UUID, phone: str, text: str) -> str:
        payload = {"messaging_product": "whatsapp", "to": phone, "type": "text", "text": {"body": text}}
        body = json.dumps(payload | {"biz_opaque_callback_data": str(send)}).encode()
        reader, writer = await self._connection()
        writer.write(
            b"POST /v25.0/106540352242922/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Authorization: Bearer the-token\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        _, answer = await _read(reader)
        self._idle.append((reader, writer))
        return str(json.loads(answer)["messages"][0]["id"])

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # the server may have closed it since
                return reader, writer
        return await asyncio.open_connection("127.0.0.1", GRAPH_PORT)


_tasks: set[asyncio.Task[None]] = set()
_echo: Any = None


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def _read(reader: asyncio.StreamReader) -> tuple[dict[bytes, bytes], bytes]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).rstrip(b"\r\n").split(b"\r\n")
    pairs = (line.split(b":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs} | {b"": first}
    return headers, await reader.readexactly(int(headers.get(b"content-length", 0)))


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            headers, body = await _read(reader)
            status = await _echo.receive(headers, body) if headers[b""].startswith(b"POST") else 200
            writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: 2\r\n\r\nok" % status)
    writer.close()


async def main(port: int) -> None:
    global _echo
    url = os.environ["BENCH_DATABASE_URL"]
    async with asyncpg.create_pool(url, min_size=4, max_size=4, reset=_no_reset) as pool:
        _echo = Echo(pool)
        server = await asyncio.start_server(converse, "127.0.0.1", port)
        await server.serve_forever()


async def _no_reset(connection: Any) -> None:
    """Nothing is ever set."""


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

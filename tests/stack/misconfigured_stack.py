"""`./ava up` with wrong variables, timed until it has said what is wrong; and peers that refuse."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack

LIMIT_SECONDS = 5.0
BUSY, BUSY_WITH_ALL = 8, 40
"""On a machine that is busy, as many times as `./ava --help` takes there may pass instead; the latter where
all processes start meanwhile, and then only until the stack says that it is running."""


@dataclass
class Told:
    """What `./ava up` said until the words came, after how long, and its exit code if it ended by itself."""

    text: str
    seconds: float
    code: int | None


async def told_by_up(folder: Path, variables: Mapping[str, str], *words: str, ends: bool) -> Told:
    """Start the stack until all of these words were said, in time; stop it unless it ends; leave no data."""
    port, began, text = free_base_port(), time.monotonic(), ""
    try:
        async with _ava(folder, {"AVA_PORT": str(port), **variables}, "up") as process:
            assert process.stdout
            while not all(one in text for one in words) and (line := await process.stdout.readline()):
                text += line.decode()
            seconds = time.monotonic() - began
            if ends:
                text += (await process.stdout.read()).decode()
                await process.wait()
            code = process.returncode
    finally:
        await asyncio.to_thread(Stack(folder, port).delete_data)
    assert all(one in text for one in words), text
    assert seconds < LIMIT_SECONDS or seconds < BUSY * await _usual_seconds(folder), (
        f"after {seconds}: {text}"
    )
    return Told(text, seconds, code)


async def _usual_seconds(folder: Path) -> float:
    """How long `./ava --help` takes now: a clock to compare with."""
    began = time.monotonic()
    async with _ava(folder, {}, "--help") as process:
        await process.communicate()
    return time.monotonic() - began


@asynccontextmanager
async def _ava(
    folder: Path, variables: Mapping[str, str], *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ava_local", *arguments),
        env={"PATH": os.environ["PATH"], "AVA_STATE_DIR": str(folder), **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.communicate()


@contextmanager
def answering(answers: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    """The URL of a server that gives the answer of the first beginning of a path that fits."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = next(given for path, given in answers.items() if self.path.startswith(path))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Not logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()

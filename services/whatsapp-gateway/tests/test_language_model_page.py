"""The service on the page "Plugging in the language model", run as it is written there."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ava_local.ports import free_port
from ava_local.testing.waiting import until_ready

from . import meta_payloads as meta
from .answering_service import SECRET
from .conftest import StartGateway
from .fake_peers import Answer, FakePeers, serving

PAGE = (Path(__file__).parents[3] / "docs/language-model.md").read_text("utf-8")
SERVICE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
PHONE = "4915112345678"


class Ollama:
    """Ollama's chat, which repeats what it was told."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.away = 0

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        assert (method, path) == ("POST", "/api/chat")
        if self.away:
            self.away -= 1
            return 500, {"error": "loading"}
        self.asked.append(json.loads(body))
        return 200, {"message": {"role": "assistant", "content": "I am Mira."}, "done": True}


@pytest.fixture
async def ollama() -> Ollama:
    return Ollama()


@pytest.fixture
async def service(ollama: Ollama, tmp_path: Path, processes: None) -> AsyncIterator[str]:
    """The page's service, started as the page says."""
    (tmp_path / "answerer.py").write_text(SERVICE)
    port = free_port()
    async with serving(ollama.answer) as url:
        variables = {"OLLAMA_URL": url, "WHATSAPP_GATEWAY_ANSWER_SECRET": SECRET}
        process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            [sys.executable, "-m", "uvicorn", "answerer:app", "--port", str(port)],
            cwd=tmp_path,
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await until_ready(f"http://127.0.0.1:{port}/openapi.json", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)


def test_it_has_thirty_lines() -> None:
    assert len([line for line in SERVICE.splitlines() if line]) <= 30


async def test_it_answers_in_the_echos_place(
    gateways: StartGateway, peers: FakePeers, person: UUID, service: str, ollama: Ollama
) -> None:
    peers.avatars[person] = uuid4()
    ollama.away = 1
    gateway = await gateways(answer_url=service, answer_secret=SECRET)
    await gateway.keep(meta.text(body="hello"), meta.text(body="who are you?"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["I am Mira.", "I am Mira."]
    said = ollama.asked[-1]["messages"]
    assert said[0]["content"].startswith("You are Mira, 27, witty. Tall")
    assert [turn["content"] for turn in said[1:]] == ["hello", "I am Mira.", "who are you?"]


async def test_it_answers_nobody_else(
    gateways: StartGateway, peers: FakePeers, person: UUID, service: str, ollama: Ollama
) -> None:
    gateway = await gateways(answer_url=service, answer_secret="another-secret-than-the-one-of-the-service")
    await gateway.keep(meta.text(body="hello"))
    await gateway.round()
    assert peers.phones[PHONE] == []
    assert ollama.asked == []
    reason = await gateway.pool.fetchval("select reason from whatsapp.events")
    assert reason == "answerer"

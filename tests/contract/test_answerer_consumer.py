"""What the WhatsApp gateway relies on when it asks an answerer, and that the page's service fulfils it.

Decision 0143.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from openapi_spec_validator import validate
from pact import Verifier, match

from ava_common.http_client import open_client
from ava_local.ports import free_port
from ava_local.testing.waiting import until_ready
from ava_whatsapp_gateway.cloud_api.message_details import Media
from ava_whatsapp_gateway.handling.answerer import Answer, Context, Quoted
from ava_whatsapp_gateway.handling.http_answerer import HttpAnswerer
from ava_whatsapp_gateway.peers.messaging import LoggedTurn, Turn
from ava_whatsapp_gateway.peers.profile import Avatar

from .conftest import PACTS, Interaction

ROOT = Path(__file__).parents[2]
SERVICE = re.findall(r"```python\n(.*?)```", (ROOT / "docs/language-model.md").read_text("utf-8"), re.DOTALL)[
    0
]
SECRET = "a-secret-of-the-answerer-alone"
THEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PERSON, TURN, EARLIER = UUID(int=0x1), UUID(int=0xB), UUID(int=0xC)
SAID = Turn(TURN, PERSON, None, "user", "image", "[image] look", THEN, "wamid.1")
BARE = Context(idempotency_key=str(TURN), deadline=THEN)
FULL = Context(
    avatar=Avatar("Mira", 27, "witty", "Tall"),
    history=(LoggedTurn(str(EARLIER), "app", "user", "Hello", THEN.isoformat()),),
    replies_to=Quoted("assistant", "Hello yourself"),
    media=(Media("9876", "image", "image/jpeg"),),
    idempotency_key=str(TURN),
    deadline=THEN,
)


def question(context: Context) -> dict[str, Any]:
    then = THEN.isoformat()
    full = context is FULL
    return {
        "turn": {
            "id": str(TURN),
            "user_id": str(PERSON),
            "channel": "whatsapp",
            "kind": "image",
            "text": "[image] look",
            "sent_at": then,
            "media": [{"id": "9876", "kind": "image", "mime_type": "image/jpeg"}] if full else [],
            "replies_to": {"role": "assistant", "text": "Hello yourself"} if full else None,
        },
        "avatar": {"name": "Mira", "age": 27, "personality": "witty", "physical_description": "Tall"}
        if full
        else None,
        "history": [
            {"id": str(EARLIER), "channel": "app", "role": "user", "text": "Hello", "created_at": then}
        ]
        if full
        else [],
        "deadline": then,
    }


async def test_the_gateway_asks_for_an_answer(
    contract: Callable[[str, str], Any], interaction: type[Interaction]
) -> None:
    with contract("whatsapp-gateway", "answerer") as provider:
        for description, context in (("a message with all there is", FULL), ("a first message", BARE)):
            asked = interaction(
                description, "an answerer", "POST", "/answers", 200, {"text": match.like("Hi")},
                body=question(context), headers={"Idempotency-Key": str(TURN)},
            )  # fmt: skip
            with provider.expecting(asked) as url:
                async with open_client(url, headers={"Authorization": "Bearer a.b.c"}) as client:
                    assert await HttpAnswerer(client).answer(SAID, context) == Answer("Hi")


@pytest.fixture
async def page_service(tmp_path: Path, processes: None) -> AsyncIterator[str]:
    """The service of the page, with something that answers as Ollama does."""
    (tmp_path / "answerer.py").write_text(SERVICE)
    (tmp_path / "ollama.py").write_text(
        "from fastapi import FastAPI\napp = FastAPI()\n"
        "@app.post('/api/chat')\ndef chat(asked: dict) -> dict:\n    return {'message': {'content': 'Hi'}}\n"
    )
    ports = {"answerer": free_port(), "ollama": free_port()}
    variables = {
        "OLLAMA_URL": f"http://127.0.0.1:{ports['ollama']}",
        "WHATSAPP_GATEWAY_ANSWER_SECRET": SECRET,
    }
    started = [
        subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            [sys.executable, "-m", "uvicorn", f"{name}:app", "--port", str(port)],
            cwd=tmp_path,
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, port in ports.items()
    ]
    try:
        for process, port in zip(started, ports.values(), strict=True):
            await until_ready(f"http://127.0.0.1:{port}/openapi.json", process)
        yield f"http://127.0.0.1:{ports['answerer']}"
    finally:
        for process in started:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)


async def test_the_service_of_the_page_fulfils_the_contract(page_service: str) -> None:
    verifier = Verifier("answerer", host="127.0.0.1").add_transport(url=page_service)
    verifier.add_source(PACTS / "whatsapp-gateway-answerer.json")
    verifier.state_handler(lambda state, **_: None, teardown=False)
    verifier.add_custom_header("Authorization", f"Bearer {SECRET}")
    await asyncio.to_thread(verifier.verify)


async def test_the_service_of_the_page_refuses_a_wrong_secret(page_service: str) -> None:
    async with httpx.AsyncClient(base_url=page_service, trust_env=False) as client:
        answer = await client.post("/answers", json=question(BARE), headers={"Authorization": "Bearer no"})
    assert answer.status_code == 401


def test_the_description_of_the_contract_is_valid() -> None:
    validate(json.loads((ROOT / "docs/contracts/answerer.openapi.json").read_text("utf-8")))

"""What people write for an echo: FastAPI, a task per message, one httpx client for everything.

It answers Meta before anything is stored: what is in memory when it is killed is lost.
"""

import asyncio
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, HTTPException, Request

SECRET = os.environ["BENCH_APP_SECRET"].encode()
GRAPH = f"http://127.0.0.1:{os.environ['BENCH_GRAPH_PORT']}/v25.0/106540352242922/messages"
tasks: set[asyncio.Task[None]] = set()
LOG = f"{os.environ['BENCH_LOG_URL']}/log"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    async with httpx.AsyncClient(timeout=600, trust_env=False) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@app.post("/webhooks/whatsapp")
async def receive(request: Request, x_hub_signature_256: Annotated[str, Header()]) -> dict[str, str]:
    body = await request.body()
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, x_hub_signature_256):
        raise HTTPException(403)
    messages = [
        message
        for entry in json.loads(body)["entry"]
        for change in entry["changes"]
        for message in change["value"].get("messages", ())
    ]
    task = asyncio.create_task(answer_all(request.state.client, messages))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return {"status": "ok"}


async def answer_all(client: httpx.AsyncClient, messages: list[dict[str, Any]]) -> None:
    await asyncio.gather(*(answer(client, message) for message in messages), return_exceptions=True)


async def answer(client: httpx.AsyncClient, message: dict[str, Any]) -> None:
    phone, text = message["from"], message["text"]["body"]
    said = {"phone": phone, "role": "user", "content": text, "external_id": message["id"]}
    (await client.post(LOG, json=said)).raise_for_status()
    payload = {"messaging_product": "whatsapp", "to": phone, "type": "text", "text": {"body": text}}
    sent = await client.post(GRAPH, json=payload, headers={"Authorization": "Bearer the-token"})
    sent.raise_for_status()
    wamid = sent.json()["messages"][0]["id"]
    said = {"phone": phone, "role": "assistant", "content": text, "external_id": wamid}
    (await client.post(LOG, json=said)).raise_for_status()

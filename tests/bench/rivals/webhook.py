"""What people write for a webhook: a FastAPI body model, the signature, one INSERT per request."""

import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, Field

SECRET = os.environ["BENCH_APP_SECRET"].encode()


class Text(BaseModel):
    body: str


class Message(BaseModel):
    id: str
    timestamp: str
    type: str
    sender: str | None = Field(None, alias="from")
    from_user_id: str | None = None
    text: Text | None = None


class Profile(BaseModel):
    name: str
    username: str | None = None


class Contact(BaseModel):
    profile: Profile
    wa_id: str | None = None
    user_id: str | None = None


class Metadata(BaseModel):
    display_phone_number: str
    phone_number_id: str


class Value(BaseModel):
    messaging_product: str
    metadata: Metadata
    contacts: list[Contact] = []
    messages: list[Message] = []


class Change(BaseModel):
    field: str
    value: Value


class Entry(BaseModel):
    id: str
    changes: list[Change]


class Envelope(BaseModel):
    object: str
    entry: list[Entry]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=8, max_size=8) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@app.post("/webhooks/whatsapp")
async def receive(
    envelope: Envelope, request: Request, x_hub_signature_256: Annotated[str, Header()]
) -> dict[str, str]:
    body = await request.body()
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, x_hub_signature_256):
        raise HTTPException(403)
    for entry in envelope.entry:
        for change in entry.changes:
            for message in change.value.messages:
                await request.state.pool.execute(
                    "insert into whatsapp.deliveries (digest, body) values ($1, $2) on conflict do nothing",
                    hashlib.sha256(message.id.encode()).digest(),
                    body,
                )
    return {"status": "ok"}

"""What people write with supabase-py: FastAPI, one client for all, the caller's token with every query."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from supabase import acreate_client

KEYS = jwt.PyJWKClient(os.environ["BENCH_JWKS_URL"])
COLUMNS = "id,avatar_id,channel,role,content,created_at,external_id"
bearer = HTTPBearer()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    yield {"supabase": await acreate_client(os.environ["BENCH_DATA_API_URL"], "sb_publishable_bench")}


app = FastAPI(lifespan=lifespan)


class Said(BaseModel):
    content: str


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


async def current_user(sent: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> tuple[str, str]:
    try:
        key = KEYS.get_signing_key_from_jwt(sent.credentials)
        claims = jwt.decode(sent.credentials, key.key, algorithms=["ES256"], audience="authenticated")
    except jwt.PyJWTError as error:
        raise HTTPException(401, str(error)) from error
    return claims["sub"], f"Bearer {sent.credentials}"


User = Annotated[tuple[str, str], Depends(current_user)]


@app.get("/messages")
async def messages(request: Request, user: User, limit: int = 50) -> Any:
    query = request.state.supabase.table("messages").select(COLUMNS).eq("user_id", user[0])
    query = query.order("created_at", desc=True).order("id", desc=True).limit(limit)
    query.request.headers["Authorization"] = user[1]
    return {"messages": (await query.execute()).data}


@app.post("/messages", status_code=201)
async def write(request: Request, said: Said, user: User, idempotency_key: Annotated[str, Header()]) -> Any:
    row = {"user_id": user[0], "channel": "app", "role": "user", "content": said.content}
    row["external_id"] = f"app:{idempotency_key}"
    query = request.state.supabase.table("messages").upsert(
        row, on_conflict="user_id,external_id", ignore_duplicates=True
    )
    query.request.headers["Authorization"] = user[1]
    return (await query.execute()).data[0]

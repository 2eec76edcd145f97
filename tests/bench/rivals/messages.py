"""What people write for a list of rows: untyped dicts, a pool that resets, the caller's claims one by one."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
import jwt
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

KEYS = jwt.PyJWKClient(os.environ["BENCH_JWKS_URL"])
bearer = HTTPBearer()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=5, max_size=5) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


async def current_user(sent: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict[str, Any]:
    try:
        key = KEYS.get_signing_key_from_jwt(sent.credentials)
        claims: dict[str, Any] = jwt.decode(
            sent.credentials, key.key, algorithms=["ES256"], audience="authenticated"
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401, str(error)) from error
    return claims


@app.get("/messages")
async def messages(
    request: Request, user: Annotated[dict[str, Any], Depends(current_user)], limit: int = 50
) -> Any:
    async with request.state.pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('role', $1, true)", "ava_messaging")
        await connection.execute("select set_config('request.jwt.claims', $1, true)", json.dumps(user))
        rows = await connection.fetch(
            "select id, avatar_id, channel, role, content, created_at, external_id from public.messages"
            " where user_id = $1 order by created_at desc, id desc limit $2",
            user["sub"],
            limit,
        )
    return {"messages": [dict(row) for row in rows]}

"""The message log of the naive pipeline: FastAPI, a pydantic body, one INSERT."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel


class Said(BaseModel):
    phone: str
    role: str
    content: str
    external_id: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=5, max_size=5) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@app.post("/log")
async def write(request: Request, said: Said) -> dict[str, str]:
    await request.state.pool.execute(
        "insert into bench.log (phone, role, content, external_id) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        *(said.phone, said.role, said.content, said.external_id),
    )
    return {"status": "written"}

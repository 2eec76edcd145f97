"""What people write for a log-in: the password is hashed where all requests are answered."""

import os

import bcrypt
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

HASH = os.environ["BENCH_HASH"].encode()
app = FastAPI()


class Credentials(BaseModel):
    email: str
    password: str


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@app.post("/login")
async def log_in(who: Credentials) -> dict[str, str]:
    if not bcrypt.checkpw(who.password.encode(), HASH):
        raise HTTPException(401)
    return {"access_token": "a token"}

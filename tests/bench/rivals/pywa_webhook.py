"""pywa's own FastAPI webhook with one asynchronous handler; it checks the signature and persists nothing."""

import os

from fastapi import FastAPI
from pywa_async import WhatsApp, types  # type: ignore[import-not-found]

app = FastAPI()
whatsapp = WhatsApp(
    phone_id="106540352242922",
    token="not-used-here",
    server=app,
    webhook_endpoint="/webhooks/whatsapp",
    verify_token="not-used-here",
    app_secret=os.environ["BENCH_APP_SECRET"],
)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@whatsapp.on_message  # type: ignore[untyped-decorator]
async def answer(_: WhatsApp, message: types.Message) -> None:
    """Where the work would begin."""

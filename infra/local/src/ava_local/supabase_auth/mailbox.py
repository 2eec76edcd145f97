"""/outbox: the mails nobody sent, as a bare page for people and as JSON for programs."""

from dataclasses import asdict
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ava_local.supabase_auth.outbox import Mail
from ava_local.supabase_auth.requests import here

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Outbox</title>
<h1>Outbox</h1><p>Mails of this machine's Supabase Auth. None of them was sent.</p>{mails}</html>"""
ENTRY = """<article><h2>{subject}</h2><p>To {to}, {sent_at}</p>
<p>Code: <code>{token}</code></p>{link}</article><hr>"""
HEADERS = {"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}


async def outbox(request: Request) -> Response:
    """200 newest first: a page where HTML is accepted, else JSON; `?to=` keeps the mails to one address."""
    mails = here(request).outbox.newest_first(request.query_params.get("to"))
    if "text/html" in request.headers.get("accept", ""):
        entries = "".join(map(_entry, mails)) or "<p>Nothing yet.</p>"
        return HTMLResponse(PAGE.format(mails=entries), headers=HEADERS)
    return JSONResponse({"mails": [asdict(mail) for mail in mails]})


async def clear(request: Request) -> Response:
    """204: the outbox is empty."""
    here(request).outbox.clear()
    return Response(status_code=204)


def _entry(mail: Mail) -> str:
    safe = {name: escape(str(value)) for name, value in asdict(mail).items()}
    link = f'<p><a href="{safe["link"]}">{safe["link"]}</a></p>' if mail.link else ""
    return ENTRY.format(**{**safe, "link": link})

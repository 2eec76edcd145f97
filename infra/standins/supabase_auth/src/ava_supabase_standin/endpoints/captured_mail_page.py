"""GET and DELETE /outbox: the captured e-mails, as a page for people and as JSON for programs."""

from dataclasses import asdict
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ava_supabase_standin.mail.mail_catcher import Mail
from ava_supabase_standin.resources import resources_of

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Captured emails</title>
<h1>Captured emails</h1>
<p>Emails from the local Supabase Auth stand-in. None of them were sent.</p>{mails}</html>"""
ENTRY = """<article><h2>{subject}</h2><p>To {to}, {sent_at}</p>
<p>Code: <code>{token}</code></p>{link}</article><hr>"""
HEADERS = {"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}


async def list_mails(request: Request) -> Response:
    """200, newest first: a page if HTML is accepted, else JSON; `?to=` selects one address."""
    captured = resources_of(request).mail_catcher.newest_first(request.query_params.get("to"))
    if "text/html" in request.headers.get("accept", ""):
        entries = "".join(map(_entry, captured)) or "<p>No emails yet.</p>"
        return HTMLResponse(PAGE.format(mails=entries), headers=HEADERS)
    return JSONResponse({"mails": [asdict(mail) for mail in captured]})


async def clear(request: Request) -> Response:
    """204; all captured e-mails are deleted."""
    resources_of(request).mail_catcher.clear()
    return Response(status_code=204)


def _entry(mail: Mail) -> str:
    safe = {name: escape(str(value)) for name, value in asdict(mail).items()}
    link = f'<p><a href="{safe["link"]}">{safe["link"]}</a></p>' if mail.link else ""
    return ENTRY.format(**{**safe, "link": link})

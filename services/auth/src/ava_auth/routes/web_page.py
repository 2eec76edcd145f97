"""Serve the web page: plain HTML and one small script, under a policy that lets nothing else run.

Decision 0063.
"""

from importlib.resources import files

from fastapi import APIRouter, Response

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_folder = files("ava_auth").joinpath("static")
_HTML, _SCRIPT = (_folder.joinpath(name).read_bytes() for name in ("index.html", "app.js"))

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> Response:
    return Response(_HTML, headers=HEADERS, media_type="text/html")


@router.get("/app.js")
async def script() -> Response:
    return Response(_SCRIPT, headers=HEADERS, media_type="text/javascript")

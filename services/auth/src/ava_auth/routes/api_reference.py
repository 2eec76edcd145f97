"""Serve the API reference at /docs: Swagger UI from a hash-locked package, over the merged description.

Decision 0123.
"""

from importlib.resources import files

from fastapi import APIRouter, Response

from ava_auth.routes.web_page import HEADERS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_OURS = files("ava_auth").joinpath("static")
_SWAGGER_UI = files("fastapi_offline").joinpath("static")
_PAGE, _SCRIPT = (_OURS.joinpath("docs", name).read_bytes() for name in ("index.html", "reference.js"))
_DESCRIPTION = _OURS.joinpath("openapi.json").read_bytes()
_BUNDLE, _STYLE = (_SWAGGER_UI.joinpath(name) for name in ("swagger-ui-bundle.js", "swagger-ui.css"))
_FROM_PACKAGE = {**HEADERS, "Cache-Control": "public, max-age=86400"}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def reference() -> Response:
    return Response(_PAGE, headers={**HEADERS, "Content-Security-Policy": POLICY}, media_type="text/html")


@router.get("/docs/reference.js")
async def script() -> Response:
    return Response(_SCRIPT, headers=HEADERS, media_type="text/javascript")


@router.get("/docs/swagger-ui-bundle.js")
async def bundle() -> Response:
    return Response(_BUNDLE.read_bytes(), headers=_FROM_PACKAGE, media_type="text/javascript")


@router.get("/docs/swagger-ui.css")
async def style() -> Response:
    return Response(_STYLE.read_bytes(), headers=_FROM_PACKAGE, media_type="text/css")


@router.get("/openapi.json")
async def description() -> Response:
    return Response(_DESCRIPTION, headers=HEADERS, media_type="application/json")

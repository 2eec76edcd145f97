"""A route for a hot path: FastAPI describes it, a plain ASGI application answers it.

Decisions 0053 and 0090.
"""

from typing import Any

from fastapi.routing import APIRoute
from starlette.types import ASGIApp


class PlainAsgiRoute(APIRoute):
    """A route whose handler has the form `(scope, receive, send)`; give it to the app as a hot route.

    The API description shows the handler's name, docstring, `responses` and `openapi_extra` as for any other
    route. FastAPI parses nothing, runs no dependency and creates no response: the handler does all of it.
    """

    def __init__(self, path: str, endpoint: ASGIApp, **options: Any) -> None:
        async def described() -> None:
            """Read by FastAPI for the description only."""

        described.__name__, described.__doc__ = endpoint.__name__, endpoint.__doc__
        super().__init__(path, described, **options)
        self.app = endpoint

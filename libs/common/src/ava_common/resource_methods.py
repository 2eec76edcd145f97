"""What may be done at an address: HEAD wherever GET is, and the methods that a 405 lists.

Decision 0124.
"""

import copy
from collections.abc import Iterable, Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route


def with_head(routers: Sequence[APIRouter]) -> APIRouter:
    """A router that answers HEAD wherever one of these answers GET; the server sends no body for it."""
    router = APIRouter()
    for route in _routes(routers):
        if "GET" in (methods := _methods(route)) and "HEAD" not in methods:
            head = copy.copy(route)
            head.methods, head.include_in_schema = {"HEAD"}, False
            router.routes.append(head)
    return router


class ResourceMethods:
    """The methods of every address of these routers and routes."""

    def __init__(self, routers: Iterable[APIRouter], routes: Iterable[BaseRoute] = ()) -> None:
        self._all = [*_routes(routers), *(route for route in routes if isinstance(route, Route))]
        self.routes = [route for route in self._all if isinstance(route, APIRoute)]

    def at(self, path: str) -> str:
        """For the Allow header: `GET, HEAD, PUT`; empty when there is nothing at this path."""
        here = [route for route in self._all if route.path_regex.match(path)]
        return ", ".join(sorted({method for route in here for method in _methods(route)}))

    def compares_versions(self, method: str, path: str) -> bool:
        """Whether the route for this request reads If-Match; true where there is no route, which is a 404."""
        return all(
            any(parameter.alias == "if-match" for parameter in route.dependant.header_params)
            for route in self.routes
            if method in _methods(route) and route.path_regex.match(path)
        )


def _routes(routers: Iterable[APIRouter]) -> list[APIRoute]:
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def _methods(route: Route) -> set[str]:
    return route.methods or set()

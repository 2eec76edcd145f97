"""What the room holds while it is open, handed to every route."""

from dataclasses import dataclass
from typing import Annotated, cast

import httpx
from fastapi import Depends, Request, Response

from ava_auth import network
from ava_auth.accounts import Accounts
from ava_auth.attempts import Attempts
from ava_auth.audit import Trail
from ava_auth.breaches import Breaches
from ava_auth.clients import Clients
from ava_auth.flights import Flights
from ava_auth.issuer import Issuer
from ava_auth.people import Session
from ava_auth.settings import Settings
from ava_common.database import Pool


@dataclass(frozen=True)
class Resources:
    """Opened in the lifespan; `profile` and `messaging` are the rooms asked for an export."""

    settings: Settings
    pool: Pool
    accounts: Accounts
    attempts: Attempts
    trail: Trail
    breaches: Breaches
    issuer: Issuer
    clients: Clients
    profile: httpx.AsyncClient
    messaging: httpx.AsyncClient
    refreshes: Flights[Session]


def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


def unkept(response: Response) -> None:
    """Answers about accounts are kept by no cache on their way (RFC 6749 section 5.1)."""
    response.headers["Cache-Control"] = "no-store"


Here = Annotated[Resources, Depends(_resources)]
Address = Annotated[str, Depends(network.address)]

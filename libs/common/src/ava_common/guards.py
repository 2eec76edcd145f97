"""What a route asks of its caller: signed in, or signed in and present."""

from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from ava_common.callers import Caller
from ava_common.problems import Problem
from ava_common.tokens import InvalidToken, Verifier


class NotSignedIn(Problem):
    """You are not signed in. Send an access token from POST /auth/login as `Authorization: Bearer …`."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class PersonRequired(Problem):
    """Only the person themselves may do this. A token delegated to a service is not enough."""

    status = 403


async def anyone(request: Request) -> Caller | None:
    """The caller when there is one; a present but bad token is refused even where none is needed."""
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    scheme, _, token = sent[0].partition(" ")
    if len(sent) != 1 or scheme.lower() != "bearer" or not token:
        raise InvalidToken
    return await cast(Verifier, request.state.verifier).verify(token.strip())


class SignedIn(HTTPBearer):
    """Documents the bearer scheme and checks it in one dependency: each more costs every request."""

    def __init__(self) -> None:
        super().__init__(scheme_name="HTTPBearer", description="An access token from POST /auth/login.")

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        caller = await anyone(request)
        if caller is None:
            raise NotSignedIn
        return caller


class Present(SignedIn):
    """Signed in, and no token that a service was given to act for somebody."""

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        caller = await super().__call__(request)
        if caller.actor:
            raise PersonRequired
        return caller


Anyone = Annotated[Caller | None, Depends(anyone)]
SomeoneSigned = Annotated[Caller, Security(SignedIn())]
PersonPresent = Annotated[Caller, Security(Present())]

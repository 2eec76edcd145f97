"""Who is calling, as route parameters: `OptionalCaller`, `CurrentCaller`, `PresentCaller`.

Decision 0012.
"""

from typing import Annotated, Protocol, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from ava_common.caller import Caller
from ava_common.problems import Problem
from ava_common.token_verifier import InvalidToken, TokenVerifier


class NotSignedIn(Problem):
    """You are not signed in. Log in and send the access token as `Authorization: Bearer …`."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class PersonRequired(Problem):
    """Only the account's owner may do this. A token delegated to a service is not enough."""

    status = 403


class _Resources(Protocol):
    """The one thing that authentication needs of a service's resources."""

    @property
    def verifier(self) -> TokenVerifier: ...


async def optional_caller(request: Request) -> Caller | None:
    """The caller, or None without a token; a bad token is refused even where none is needed."""
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    scheme, _, token = sent[0].partition(" ")
    if len(sent) != 1 or scheme.lower() != "bearer" or not token:
        raise InvalidToken
    return await cast(_Resources, request.state.resources).verifier.verify(token.strip())


class SignedIn(HTTPBearer):
    """Documents the bearer scheme and checks it in one dependency, because each one costs every request."""

    def __init__(self) -> None:
        super().__init__(scheme_name="HTTPBearer", bearerFormat="JWT", description="An access token.")

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        caller = await optional_caller(request)
        if caller is None:
            raise NotSignedIn
        return caller


class Present(SignedIn):
    """Signed in with a token of their own, not one that was given to another to act for them."""

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        return refuse_delegates(await super().__call__(request))


def refuse_delegates(caller: Caller) -> Caller:
    """The caller, unless another acts for them. Raises PersonRequired."""
    if caller.actor or caller.impersonated:
        raise PersonRequired
    return caller


OptionalCaller = Annotated[Caller | None, Depends(optional_caller)]
CurrentCaller = Annotated[Caller, Security(SignedIn())]
PresentCaller = Annotated[Caller, Security(Present())]

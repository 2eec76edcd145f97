"""For rooms of this house, never routed from outside: tokens to act for a person who is not there."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response, Security
from fastapi.security import HTTPBasic
from pydantic import BaseModel

from ava_auth.refusals import AccountsAway, ClientUnknown, ExchangeUnknown, TokenRefused
from ava_auth.resources import Here
from ava_common.problems import responses

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
USER_ID = "urn:ava:token-type:user-id"
JWT = "urn:ietf:params:oauth:token-type:jwt"

router = APIRouter(tags=["rooms"])


class _Documented(HTTPBasic):
    """Named in the API's description; the credentials themselves are read by clients.py."""

    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        return None


_documented = _Documented(description="The room's name and its secret.")


class DelegatedToken(BaseModel):
    """RFC 8693 section 2.2.1. `expires_in` seconds, at most 120."""

    access_token: str
    issued_token_type: str = JWT
    token_type: str = "Bearer"  # noqa: S105 (RFC 6749, not a secret)
    expires_in: int


async def _client(request: Request, here: Here, _: Annotated[object, Security(_documented)]) -> str:
    try:
        return here.clients.recognise(request.headers.get("authorization"))
    except ClientUnknown:
        await here.trail.add("delegation.client_unknown")
        raise


@router.post(
    "/internal/tokens", responses=responses(ClientUnknown, ExchangeUnknown, TokenRefused, AccountsAway)
)
async def exchange(
    client: Annotated[str, Depends(_client)],
    here: Here,
    response: Response,
    grant_type: Annotated[str, Form()],
    subject_token: Annotated[UUID, Form()],
    subject_token_type: Annotated[str, Form()],
) -> DelegatedToken:
    """A token of at most 120 s in which the asking room acts for this person (RFC 8693)."""
    if (grant_type, subject_token_type) != (GRANT, USER_ID):
        raise ExchangeUnknown
    try:
        await here.accounts.in_good_standing(subject_token)
    except TokenRefused:
        await here.trail.add("delegation.refused", person=subject_token, client=client)
        raise
    given = here.issuer.delegate(subject_token, client)
    await here.trail.add("delegation.given", person=subject_token, client=client, jti=given.jti)
    response.headers["Cache-Control"] = "no-store"
    return DelegatedToken(access_token=given.token, expires_in=given.expires_in)


@router.get("/.well-known/jwks.json")
async def keys(here: Here, response: Response) -> dict[str, list[dict[str, Any]]]:
    """The public keys of delegated tokens (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=600"
    return here.issuer.jwks

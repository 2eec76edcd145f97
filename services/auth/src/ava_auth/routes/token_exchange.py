"""Routes for services, never routed from outside: delegated tokens (RFC 8693) and their public keys.

Decision 0065.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, Security
from fastapi.security import HTTPBasic
from pydantic import BaseModel

from ava_auth.problems import AccountsAway, ClientUnknown, ExchangeUnknown, TokenRefused
from ava_auth.resources import ResourcesDep
from ava_common.problems import responses

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
USER_ID = "urn:ava:token-type:user-id"
JWT = "urn:ietf:params:oauth:token-type:jwt"

router = APIRouter()


class DelegatedToken(BaseModel):
    """RFC 8693 section 2.2.1. `expires_in` seconds, at most 120."""

    access_token: str
    issued_token_type: str = JWT
    token_type: str = "Bearer"  # noqa: S105 (RFC 6749, not a secret)
    expires_in: int


class ClientCredentials(HTTPBasic):
    """Documents HTTP Basic and checks it: the name of the service that asks. Raises ClientUnknown."""

    async def __call__(self, request: Request, resources: ResourcesDep) -> str:  # type: ignore[override]
        try:
            return resources.service_clients.authenticate(request.headers.get("authorization"))
        except ClientUnknown:
            await resources.audit_log.add("delegation.client_unknown")
            raise


AuthenticatedService = Annotated[
    str,
    Security(ClientCredentials(scheme_name="HTTPBasic", description="The service's name and its secret.")),
]


@router.post(
    "/internal/tokens",
    operation_id="tokens_exchange",
    tags=["services"],
    openapi_extra={"x-internal": True},
    responses=responses(ClientUnknown, ExchangeUnknown, TokenRefused, AccountsAway),
)
async def exchange(
    client: AuthenticatedService,
    resources: ResourcesDep,
    response: Response,
    grant_type: Annotated[str, Form()],
    subject_token: Annotated[UUID, Form()],
    subject_token_type: Annotated[str, Form()],
) -> DelegatedToken:
    """A token of at most 120 s with which the asking service acts for this user (RFC 8693)."""
    if (grant_type, subject_token_type) != (GRANT, USER_ID):
        raise ExchangeUnknown
    try:
        await resources.supabase.check_standing(subject_token)
    except TokenRefused:
        await resources.audit_log.add("delegation.refused", user_id=subject_token, client=client)
        raise
    delegation = resources.issuer.delegate(subject_token, client)
    await resources.audit_log.add(
        "delegation.given", user_id=subject_token, client=client, jti=delegation.jti
    )
    response.headers["Cache-Control"] = "no-store"
    return DelegatedToken(access_token=delegation.token, expires_in=delegation.expires_in)


@router.get("/.well-known/jwks.json", operation_id="keys_list", tags=["keys"])
async def keys(resources: ResourcesDep, response: Response) -> dict[str, list[dict[str, Any]]]:
    """The public keys of delegated tokens (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=600"
    return resources.issuer.jwks

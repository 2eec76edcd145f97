"""GET and POST /verify: a mailed link or code becomes a session.

See docs/contracts/supabase-auth.md#e-mails-and-links.
"""

import json
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ava_supabase_standin.accounts import sessions, token_redemption
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.mail.auth_mails import PKCE_PREFIX, token_hash_of
from ava_supabase_standin.requests.client_address import rate_limit_address
from ava_supabase_standin.requests.json_body import JsonBody, read_body, validated_email
from ava_supabase_standin.requests.redirect_target import redirect_target
from ava_supabase_standin.resources import resources_of

OTHER_ADDRESS_PENDING = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
OAUTH_NAMES = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 500: "server_error"}
FRAGMENT_FIELDS = ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")


class VerifyRequest(JsonBody):
    """The body of POST /verify."""

    type: str = ""
    token: str = ""
    token_hash: str = ""
    email: str = ""
    phone: str = ""
    redirect_to: str = ""


async def post(request: Request) -> Response:
    """200 AccessTokenResponse, or a message while the other address of an e-mail change must confirm."""
    resources_of(request).rate_limiter.consume("verify", rate_limit_address(request))
    proof = await read_body(request, VerifyRequest)
    token_hash = _validated_token_hash(proof)
    answer = await _redeem(request, proof.type, token_hash, proof.email.lower())
    return answer or JSONResponse({"msg": OTHER_ADDRESS_PENDING, "code": "200"})


async def get(request: Request) -> Response:
    """303 to the site, with tokens or the error in the fragment, which no server sees."""
    resources_of(request).rate_limiter.consume("verify", rate_limit_address(request))
    kind, token_hash = request.query_params.get("type", ""), request.query_params.get("token", "")
    if not kind:
        raise validation_failed("Verify requires a verification type")
    if not token_hash:
        raise validation_failed("Verify requires a token or a token hash")
    fragment = urlencode(await _redirect_fragment(request, kind, token_hash))
    return RedirectResponse(f"{redirect_target(request)}#{fragment}", 303)


async def _redeem(request: Request, kind: str, token_hash: str, email: str = "") -> Response | None:
    async with resources_of(request).pool.acquire() as connection, connection.transaction():
        user = await token_redemption.redeem(connection, request, kind, token_hash, email)
        return await sessions.start_session(connection, request, user, "otp") if user else None


async def _redirect_fragment(request: Request, kind: str, token_hash: str) -> dict[str, str]:
    """The content of the fragment: tokens, a message or the error."""
    try:
        if token_hash.startswith(PKCE_PREFIX):
            raise AuthError(
                404,
                "flow_state_not_found",
                "The stand-in does not store PKCE flows; POST the token_hash instead.",
            )
        answer = await _redeem(request, kind, token_hash)
    except AuthError as refusal:
        error = {"error": OAUTH_NAMES[refusal.status]} if refusal.status in OAUTH_NAMES else {}
        return error | {"error_code": refusal.code, "error_description": refusal.message, "sb": ""}
    if not answer:
        return {"message": OTHER_ADDRESS_PENDING, "sb": ""}
    tokens = json.loads(bytes(answer.body))
    return {name: str(tokens[name]) for name in FRAGMENT_FIELDS} | {"sb": "", "type": kind}


def _validated_token_hash(proof: VerifyRequest) -> str:
    """The token hash to look for."""
    if not proof.type:
        raise validation_failed("Verify requires a verification type")
    if bool(proof.token) == bool(proof.token_hash):
        raise validation_failed("Verify requires either a token or a token hash")
    if proof.token_hash:
        if proof.email or proof.phone or proof.redirect_to:
            raise validation_failed("Only the token_hash and type should be provided")
        return proof.token_hash
    if not proof.email or proof.phone:
        raise validation_failed("Only an email address or phone number should be provided on verify")
    try:
        return token_hash_of(validated_email(proof.email), proof.token)
    except AuthError:
        raise AuthError(422, "validation_failed", "Invalid email format") from None

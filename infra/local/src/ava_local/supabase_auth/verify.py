"""GET and POST /verify: a mailed link or code becomes a login."""

import json
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ava_local.supabase_auth import proofs, sessions
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.mails import PKCE, hash_of
from ava_local.supabase_auth.requests import Body, address_of, email_of, here, read, return_address

HALF_WAY = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
OAUTH_NAMES = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 500: "server_error"}
CARRIED = ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")


class Proof(Body):
    """The body of POST /verify."""

    type: str = ""
    token: str = ""
    token_hash: str = ""
    email: str = ""
    phone: str = ""
    redirect_to: str = ""


async def post(request: Request) -> Response:
    """200 AccessTokenResponse, or the half-way message of a secure address change."""
    here(request).limits.take("verify", address_of(request))
    proof = await read(request, Proof)
    token_hash = _judged(proof)
    answer = await _enter(request, proof.type, token_hash, proof.email.lower())
    return answer or JSONResponse({"msg": HALF_WAY, "code": "200"})


async def get(request: Request) -> Response:
    """303 to the site; tokens or the error travel in the fragment, where no server sees them."""
    here(request).limits.take("verify", address_of(request))
    kind, token_hash = request.query_params.get("type", ""), request.query_params.get("token", "")
    if not kind:
        raise invalid("Verify requires a verification type")
    if not token_hash:
        raise invalid("Verify requires a token or a token hash")
    fragment = urlencode(await _arrival(request, kind, token_hash))
    return RedirectResponse(f"{return_address(request)}#{fragment}", 303)


async def _enter(request: Request, kind: str, token_hash: str, email: str = "") -> Response | None:
    async with here(request).pool.acquire() as connection, connection.transaction():
        user = await proofs.redeem(connection, request, kind, token_hash, email)
        return await sessions.begin(connection, request, user, "otp") if user else None


async def _arrival(request: Request, kind: str, token_hash: str) -> dict[str, str]:
    """What the fragment says: tokens, the half-way message or the error."""
    try:
        if token_hash.startswith(PKCE):
            raise Refusal(
                404, "flow_state_not_found", "This stand-in keeps no PKCE flows: POST the token_hash"
            )
        answer = await _enter(request, kind, token_hash)
    except Refusal as refusal:
        error = {"error": OAUTH_NAMES[refusal.status]} if refusal.status in OAUTH_NAMES else {}
        return error | {"error_code": refusal.code, "error_description": refusal.message, "sb": ""}
    if not answer:
        return {"message": HALF_WAY, "sb": ""}
    tokens = json.loads(bytes(answer.body))
    return {name: str(tokens[name]) for name in CARRIED} | {"sb": "", "type": kind}


def _judged(proof: Proof) -> str:
    """The hash to look for."""
    if not proof.type:
        raise invalid("Verify requires a verification type")
    if bool(proof.token) == bool(proof.token_hash):
        raise invalid("Verify requires either a token or a token hash")
    if proof.token_hash:
        if proof.email or proof.phone or proof.redirect_to:
            raise invalid("Only the token_hash and type should be provided")
        return proof.token_hash
    if not proof.email or proof.phone:
        raise invalid("Only an email address or phone number should be provided on verify")
    try:
        return hash_of(email_of(proof.email), proof.token)
    except Refusal:
        raise Refusal(422, "validation_failed", "Invalid email format") from None

"""The public face: Meta's handshake, and the description of what `door.py` does."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ava_common.problems import DatabaseAway, Problem, responses
from ava_whatsapp_gateway.door import DeliveryTooLarge, Door, NotGenuine

PATH = "/webhooks/whatsapp"

router = APIRouter(tags=["webhook"])
receive = Route(PATH, Door(), methods=["POST"], name="receive")
"""Stands before the documented route of the same address: the hot path pays for no parsing."""


class WrongVerifyToken(Problem):
    """This is not our verify token. Enter WHATSAPP_GATEWAY_VERIFY_TOKEN in Meta's app dashboard."""

    status = 403


@router.get(PATH, response_class=PlainTextResponse, responses=responses(WrongVerifyToken))
async def verify(
    request: Request,
    mode: Annotated[str, Query(alias="hub.mode")],
    token: Annotated[str, Query(alias="hub.verify_token")],
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=256)],
) -> PlainTextResponse:
    """Meta's handshake: the challenge as plain text, so that nothing in it is ever taken for a page."""
    ours = request.state.settings.verify_token.get_secret_value()
    if mode != "subscribe" or not hmac.compare_digest(token.encode(), ours.encode()):
        raise WrongVerifyToken
    return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})


@router.post(
    PATH,
    response_class=PlainTextResponse,
    responses=responses(NotGenuine, DeliveryTooLarge, DatabaseAway),
    openapi_extra={
        "parameters": [
            {
                "name": "X-Hub-Signature-256",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    },
)
async def deliver() -> None:
    """Keeps a signed delivery for good and answers 200; what it holds is handled afterwards."""
    raise RuntimeError("the route `receive` stands before this description")

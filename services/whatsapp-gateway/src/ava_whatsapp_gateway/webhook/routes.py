"""The routes of the webhook: Meta's handshake, and deliveries.

Decision 0053. See docs/contracts/whatsapp-cloud-api.md#handshake.
"""

import hmac
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse

from ava_common.fast_path import FastPath
from ava_common.plain_asgi_route import PlainAsgiRoute
from ava_common.problems import DatabaseAway, InvalidRequest, MalformedJson, Problem, responses
from ava_whatsapp_gateway.webhook.endpoint import (
    DeliveryTooLarge,
    NotGenuine,
    TooManyDeliveries,
    accept,
    deliver,
)
from ava_whatsapp_gateway.webhook.resources import ResourcesDep

PATH = "/webhooks/whatsapp"
_SIGNED_JSON = {
    "parameters": [
        {
            "name": "X-Hub-Signature-256",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
        }
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}

router = APIRouter(tags=["webhook"])


class WrongVerifyToken(Problem):
    """This is not our verify token. Enter WHATSAPP_GATEWAY_VERIFY_TOKEN in Meta's app dashboard."""

    status = 403


@router.get(
    PATH,
    operation_id="webhook_verify",
    response_class=PlainTextResponse,
    responses=responses(WrongVerifyToken),
)
async def verify(
    resources: ResourcesDep,
    mode: Annotated[str, Query(alias="hub.mode")],
    token: Annotated[str, Query(alias="hub.verify_token")],
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=256)],
) -> PlainTextResponse:
    """Meta's handshake: answers the challenge as plain text, so that it is never taken for a web page."""
    ours = resources.settings.verify_token.get_secret_value()
    if mode != "subscribe" or not hmac.compare_digest(token.encode(), ours.encode()):
        raise WrongVerifyToken
    return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})


deliveries = PlainAsgiRoute(
    PATH,
    deliver,
    methods=["POST"],
    operation_id="webhook_deliver",
    tags=["webhook"],
    response_class=PlainTextResponse,
    responses=responses(
        MalformedJson, NotGenuine, DeliveryTooLarge, InvalidRequest, DatabaseAway, TooManyDeliveries
    ),
    openapi_extra=_SIGNED_JSON,
)
"""Deliveries of any kind: see `endpoint`."""

usual_deliveries = FastPath("POST", PATH, accept)

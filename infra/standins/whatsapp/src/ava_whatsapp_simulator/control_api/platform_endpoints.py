"""Control API, the platform: number changes, custom webhooks, the behaviour plan, faults, counts, oracle."""

import asyncio
import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_whatsapp_simulator.control_api.request_bodies import (
    BusinessAppMessage,
    CustomField,
    CustomStatus,
    NextFault,
    NumberChange,
    RawWebhook,
    ResetOptions,
    UserIdChange,
    WebhookVerification,
)
from ava_whatsapp_simulator.control_api.request_handling import phone_of, read_body, simulator_of
from ava_whatsapp_simulator.graph_api.fault_injection import RequestedFault
from ava_whatsapp_simulator.simulator import Simulator
from ava_whatsapp_simulator.webhooks.payload import sign
from ava_whatsapp_simulator.webhooks.sender import NotAnswered
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem

Json = dict[str, Any]


async def change_number(request: Request) -> Response:
    """Give a phone another number: a `user_changed_number` system message."""
    asked, phone = await read_body(request, NumberChange), phone_of(request)
    return JSONResponse(
        {"id": simulator_of(request).change_number(phone, asked.to), "number": phone.number}, 201
    )


async def change_user_id(request: Request) -> Response:
    """Give a phone another user id: a `user_changed_user_id` system message."""
    asked, phone = await read_body(request, UserIdChange), phone_of(request)
    wamid = simulator_of(request).change_user_id(phone, asked.user_id)
    return JSONResponse({"id": wamid, "user_id": phone.user_id}, 201)


async def business_app_message(request: Request) -> Response:
    """Send from the WhatsApp Business app: an `smb_message_echoes` webhook."""
    asked = await read_body(request, BusinessAppMessage)
    return JSONResponse({"id": simulator_of(request).business_app_message(asked.number, asked.text)}, 201)


async def custom_field(request: Request) -> Response:
    """Send a webhook with any other field."""
    asked = await read_body(request, CustomField)
    simulator_of(request).batcher.add(WebhookItem(asked.field, asked.field, asked.value))
    return JSONResponse({}, 201)


async def custom_status(request: Request) -> Response:
    """Send a status exactly as given."""
    content = (await read_body(request, CustomStatus)).model_dump()
    simulator_of(request).batcher.add(WebhookItem(content["id"], "statuses", content))
    return JSONResponse({}, 201)


async def raw_webhook(request: Request) -> Response:
    """Post these bytes, `times` times in parallel."""
    asked, simulator = await read_body(request, RawWebhook), simulator_of(request)
    body = (asked.body or "").encode(errors="surrogatepass")
    if asked.body_base64 is not None:
        body = base64.b64decode(asked.body_base64)
    header = _signature(simulator, asked.signature, body)
    answers = await asyncio.gather(*(_answer(simulator, body, header) for _ in range(asked.times)))
    return JSONResponse({"answers": answers})


async def verify_webhook(request: Request) -> Response:
    """The verification request Meta makes when a callback URL is saved."""
    asked, simulator = await read_body(request, WebhookVerification), simulator_of(request)
    token = simulator.settings.verify_token.get_secret_value() if asked.token is None else asked.token
    query = {"hub.mode": asked.mode, "hub.verify_token": token, "hub.challenge": asked.challenge}
    try:
        answer = await simulator.sender.get(query)
    except NotAnswered as error:
        return JSONResponse({"status": 0, "body": str(error), "verified": False})
    verified = answer.status == 200 and answer.text == asked.challenge
    return JSONResponse({"status": answer.status, "body": answer.text, "verified": verified})


async def plan(request: Request) -> Response:
    """Read the behaviour plan, or change parts of it."""
    simulator = simulator_of(request)
    if request.method == "PATCH":
        simulator.plan = simulator.plan.with_changes(await request.json())
    return JSONResponse(simulator.plan.model_dump())


async def next_fault(request: Request) -> Response:
    """Request a fault for the next sends."""
    asked, simulator = await read_body(request, NextFault), simulator_of(request)
    number = None if asked.to is None else simulator.phones.get_or_create(asked.to).number
    simulator.faults.request_fault(RequestedFault(asked.fault, asked.times, number))
    return JSONResponse({}, 201)


async def pending(request: Request) -> Response:
    """How much the webhook URL has not acknowledged yet."""
    simulator = simulator_of(request)
    sender = simulator.sender
    counts = {"deliveries": sender.waiting_count, "in_flight": sender.in_flight_count}
    return JSONResponse({"items": simulator.batcher.waiting_count} | counts)


async def counts(request: Request) -> Response:
    """Counts: messages sent by phones, send requests, messages received by phones."""
    simulator = simulator_of(request)
    received = sum(len(phone.received) for phone in simulator.phones)
    sent = {"said": len(simulator.oracle.inbound), "sends": len(simulator.oracle.send_attempts)}
    return JSONResponse(sent | {"received": received})


async def oracle(request: Request) -> Response:
    """Everything that really happened, for tests to compare with."""
    simulator = simulator_of(request)
    return JSONResponse(simulator.oracle.as_json(list(simulator.phones), simulator.sender.deliveries))


async def reset(request: Request) -> Response:
    """Delete everything and start over, with the given seed or the current one."""
    asked, old = await read_body(request, ResetOptions), simulator_of(request)
    await old.close()
    fresh = Simulator(old.settings)
    fresh.plan = fresh.plan.with_changes({"seed": old.plan.seed if asked.seed is None else asked.seed})
    request.app.state.simulator = fresh
    return JSONResponse(fresh.plan.model_dump())


def _signature(simulator: Simulator, wanted: str, body: bytes) -> str | None:
    good = sign(simulator.settings.app_secret.get_secret_value(), body)
    known = {"good": good, "wrong": sign("another secret", body), "non-ascii": "sha256=" + "ä" * 64}
    return None if wanted == "missing" else known.get(wanted, wanted)


async def _answer(simulator: Simulator, body: bytes, signature: str | None) -> Json:
    try:
        answer = await simulator.sender.post(body, signature)
    except NotAnswered as error:
        return {"status": 0, "body": str(error)}
    return {"status": answer.status, "body": answer.text}

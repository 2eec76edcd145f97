"""The rest of the remote control: what happens around the phones, the plan, the oracle."""

import asyncio
import base64
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.whatsapp_simulator.bodies import (
    Fresh,
    Handshake,
    Move,
    NextFault,
    OtherField,
    OwnMessage,
    OwnStatus,
    RawWebhook,
    Renewal,
)
from ava_local.whatsapp_simulator.control import NoSuchPhone, read, simulator_of
from ava_local.whatsapp_simulator.envelopes import sign
from ava_local.whatsapp_simulator.faults import Ordered
from ava_local.whatsapp_simulator.items import Item
from ava_local.whatsapp_simulator.phones import Phone
from ava_local.whatsapp_simulator.simulator import Simulator

Json = dict[str, Any]


async def move(request: Request) -> Response:
    """user_changed_number."""
    asked, phone = await read(request, Move), _phone(request)
    return JSONResponse(
        {"id": simulator_of(request).change_number(phone, asked.to), "number": phone.number}, 201
    )


async def renew(request: Request) -> Response:
    """user_changed_user_id."""
    asked, phone = await read(request, Renewal), _phone(request)
    wamid = simulator_of(request).change_user_id(phone, asked.user_id)
    return JSONResponse({"id": wamid, "user_id": phone.user_id}, 201)


async def echo(request: Request) -> Response:
    """smb_message_echoes."""
    asked = await read(request, OwnMessage)
    return JSONResponse({"id": simulator_of(request).echo(asked.number, asked.text)}, 201)


async def other_field(request: Request) -> Response:
    """A change of any other field."""
    asked = await read(request, OtherField)
    simulator_of(request).postbox.put(Item(asked.field, asked.field, asked.value))
    return JSONResponse({}, 201)


async def status(request: Request) -> Response:
    """A status of the caller's own making."""
    content = (await read(request, OwnStatus)).model_dump()
    simulator_of(request).postbox.put(Item(content["id"], "statuses", content))
    return JSONResponse({}, 201)


async def raw_webhook(request: Request) -> Response:
    """These bytes, as often as asked, all at once."""
    asked, simulator = await read(request, RawWebhook), simulator_of(request)
    body = (asked.body or "").encode(errors="surrogatepass")
    if asked.body_base64 is not None:
        body = base64.b64decode(asked.body_base64)
    header = _signature(simulator, asked.signature, body)
    answers = await asyncio.gather(*(_answer(simulator, body, header) for _ in range(asked.times)))
    return JSONResponse({"answers": answers})


async def verify(request: Request) -> Response:
    """The handshake Meta makes when a callback address is saved."""
    asked, simulator = await read(request, Handshake), simulator_of(request)
    token = simulator.settings.verify_token.get_secret_value() if asked.token is None else asked.token
    query = {"hub.mode": asked.mode, "hub.verify_token": token, "hub.challenge": asked.challenge}
    try:
        answer = await simulator.courier.ask(query)
    except httpx.HTTPError as problem:
        return JSONResponse({"status": 0, "body": type(problem).__name__, "verified": False})
    verified = answer.status_code == 200 and answer.text == asked.challenge
    return JSONResponse({"status": answer.status_code, "body": answer.text, "verified": verified})


async def plan(request: Request) -> Response:
    """Show the plan, or change some of it."""
    simulator = simulator_of(request)
    if request.method == "PATCH":
        simulator.plan = simulator.plan.changed(await request.json())
    return JSONResponse(simulator.plan.model_dump())


async def next_fault(request: Request) -> Response:
    """Order a fault for the sends that come next."""
    asked, simulator = await read(request, NextFault), simulator_of(request)
    number = None if asked.to is None else simulator.phones.phone(asked.to).number
    simulator.faults.order(Ordered(asked.fault, asked.times, number))
    return JSONResponse({}, 201)


async def pending(request: Request) -> Response:
    """What the webhook address has not acknowledged yet."""
    simulator = simulator_of(request)
    courier = simulator.courier
    counts = {"deliveries": courier.undelivered, "in_flight": courier.in_flight}
    return JSONResponse({"items": simulator.postbox.waiting} | counts)


async def tally(request: Request) -> Response:
    """How far things are: messages said, requests to send, messages received."""
    simulator = simulator_of(request)
    arrived = sum(len(phone.received) for phone in simulator.phones)
    counts = {"said": len(simulator.ledger.said), "sends": len(simulator.ledger.tried)}
    return JSONResponse(counts | {"received": arrived})


async def oracle(request: Request) -> Response:
    """Everything that really happened."""
    simulator = simulator_of(request)
    return JSONResponse(simulator.ledger.dump(list(simulator.phones), simulator.courier.deliveries))


async def reset(request: Request) -> Response:
    """Forget everything and start again, with the seed given or the present one."""
    asked, old = await read(request, Fresh), simulator_of(request)
    await old.close()
    fresh = Simulator(old.settings)
    fresh.plan = fresh.plan.changed({"seed": old.plan.seed if asked.seed is None else asked.seed})
    request.app.state.simulator = fresh
    return JSONResponse(fresh.plan.model_dump())


def _phone(request: Request) -> Phone:
    phone = simulator_of(request).phones.known(request.path_params["number"])
    if phone is None:
        raise NoSuchPhone
    return phone


def _signature(simulator: Simulator, wanted: str, body: bytes) -> bytes | None:
    good = sign(simulator.settings.app_secret.get_secret_value(), body)
    known = {"good": good, "wrong": sign("another secret", body), "non-ascii": "sha256=" + "ä" * 64}
    return None if wanted == "missing" else known.get(wanted, wanted).encode()


async def _answer(simulator: Simulator, body: bytes, signature: bytes | None) -> Json:
    try:
        answer = await simulator.courier.post(body, signature)
    except httpx.HTTPError as problem:
        return {"status": 0, "body": type(problem).__name__}
    return {"status": answer.status_code, "body": answer.text}

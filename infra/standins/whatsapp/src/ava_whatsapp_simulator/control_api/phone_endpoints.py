"""Control API, the phones: create them, send from them, read what they received and their conversation."""

import asyncio
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_whatsapp_simulator.control_api.request_handling import phone_of, read_body, simulator_of
from ava_whatsapp_simulator.phones.message_content import PhoneMessage, PhoneMessageFrom
from ava_whatsapp_simulator.phones.phones import ChatMessage, Phone

Json = dict[str, Any]
MAX_WAIT_SECONDS = 60.0


class PhoneChange(BaseModel):
    """What may be changed about a phone."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    username: str | None = None
    hidden: bool | None = None
    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    reads: bool | None = None
    reachable: bool | None = None


class MessageBatch(BaseModel):
    """Many messages at once."""

    messages: list[PhoneMessageFrom] = Field(max_length=100_000)


async def list_phones(request: Request) -> Response:
    """All phones."""
    return JSONResponse({"phones": [_phone_json(phone) for phone in simulator_of(request).phones]})


async def put_phone(request: Request) -> Response:
    """Create a phone, or change its properties."""
    change = await read_body(request, PhoneChange)
    phone = simulator_of(request).phones.get_or_create(request.path_params["number"])
    for name in change.model_fields_set:
        setattr(phone, name, getattr(change, name))
    return JSONResponse(_phone_json(phone))


async def send_message(request: Request) -> Response:
    """Send one message from this phone; waits up to `wait` seconds for the webhook's acknowledgement."""
    message, simulator = await read_body(request, PhoneMessage), simulator_of(request)
    item, sent = simulator.send_from_phone(request.path_params["number"], message)
    if message.wait:
        await asyncio.wait([asyncio.ensure_future(item.acknowledged.wait())], timeout=message.wait)
    recorded = simulator.oracle.inbound[sent.id]
    times = {"timestamp": recorded.timestamp, "number": recorded.number}
    return JSONResponse({"id": sent.id, **times, "acknowledged": item.acknowledged.is_set()}, 201)


async def send_messages(request: Request) -> Response:
    """Send many messages from many phones."""
    batch = await read_body(request, MessageBatch)
    sent = [simulator_of(request).send_from_phone(one.number, one)[1] for one in batch.messages]
    return JSONResponse({"ids": [message.id for message in sent]}, 201)


async def received(request: Request) -> Response:
    """What this phone received after `after`; waits up to `wait` seconds for a message to arrive."""
    phone, after = phone_of(request), int(request.query_params.get("after", "0"))
    deadline = asyncio.get_running_loop().time() + _wait(request)
    while len(phone.received) <= after and (left := deadline - asyncio.get_running_loop().time()) > 0:
        await phone.wait_past(phone.version, left)
    messages = [_received_json(message) for message in phone.received[max(0, after) :]]
    return JSONResponse({"messages": messages, "last": len(phone.received)})


async def conversation(request: Request) -> Response:
    """Both directions, with ticks; waits up to `wait` seconds while the version is still `version`."""
    phone = simulator_of(request).phones.get_or_create(request.path_params["number"])
    await phone.wait_past(int(request.query_params.get("version", "-1")), _wait(request))
    names = ("direction", "id", "type", "text", "at", "state")
    entries = [{name: getattr(entry, name) for name in names} for entry in phone.entries]
    return JSONResponse({"version": phone.version, "typing": phone.is_typing, "entries": entries})


def _wait(request: Request) -> float:
    return min(float(request.query_params.get("wait", "0")), MAX_WAIT_SECONDS)


def _phone_json(phone: Phone) -> Json:
    names = ("number", *PhoneChange.model_fields)
    counts = {"sent": len(phone.entries) - len(phone.received), "received": len(phone.received)}
    return {name: getattr(phone, name) for name in names} | counts


def _received_json(message: ChatMessage) -> Json:
    names = ("seq", "id", "text", "type", "at", "outbox_id", "reply_to", "answers")
    return {name: getattr(message, name) for name in names}

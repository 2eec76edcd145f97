"""The remote control for people at the page and for programs: everything under /simulator."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.whatsapp_simulator.contents import Spoken, Utterance
from ava_local.whatsapp_simulator.phones import Entry, NoSuchNumber, Phone
from ava_local.whatsapp_simulator.simulator import Simulator

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]
Model = TypeVar("Model", bound=BaseModel)
LONGEST_WAIT = 60.0


class NoSuchPhone(Exception):
    """No phone has this number yet. Send a message from it first, or create it with PUT."""


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


class Bulk(BaseModel):
    """Many messages at once."""

    messages: list[Spoken] = Field(max_length=100_000)


def simulator_of(request: Request) -> Simulator:
    """The simulator this process runs."""
    simulator: Simulator = request.app.state.simulator
    return simulator


def forgiving(handler: Handler) -> Handler:
    """Turns bad input into a 400 that says what to do, and a phone nobody has into a 404."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except NoSuchPhone as problem:
            return JSONResponse({"error": problem.__doc__}, 404)
        except NoSuchNumber as problem:
            return JSONResponse({"error": problem.__doc__}, 400)
        except (ValidationError, ValueError) as problem:
            return JSONResponse({"error": str(problem)}, 400)

    return answer


async def read(request: Request, model: type[Model]) -> Model:
    """The body as a model; an empty body is an empty object. Raises ValidationError."""
    return model.model_validate_json(await request.body() or b"{}")


async def list_phones(request: Request) -> Response:
    """Every phone there is."""
    return JSONResponse({"phones": [_shown(phone) for phone in simulator_of(request).phones]})


async def put_phone(request: Request) -> Response:
    """Create a phone or change what is said about it."""
    change = await read(request, PhoneChange)
    phone = simulator_of(request).phones.phone(request.path_params["number"])
    for name in change.model_fields_set:
        setattr(phone, name, getattr(change, name))
    return JSONResponse(_shown(phone))


async def speak(request: Request) -> Response:
    """One message from this phone."""
    said = await read(request, Utterance)
    item, entry = simulator_of(request).speak(request.path_params["number"], said)
    if said.wait:
        await asyncio.wait([asyncio.ensure_future(item.told.wait())], timeout=said.wait)
    number = simulator_of(request).ledger.said[entry.id].number
    timestamp = simulator_of(request).ledger.said[entry.id].timestamp
    told = {"id": entry.id, "timestamp": timestamp, "number": number, "acknowledged": item.told.is_set()}
    return JSONResponse(told, 201)


async def speak_many(request: Request) -> Response:
    """Many messages from many phones."""
    bulk = await read(request, Bulk)
    spoken = [simulator_of(request).speak(said.number, said)[1] for said in bulk.messages]
    return JSONResponse({"ids": [entry.id for entry in spoken]}, 201)


async def received(request: Request) -> Response:
    """What arrived on this phone after `after`; waits up to `wait` seconds for something to arrive."""
    phone, after = _phone(request), int(request.query_params.get("after", "0"))
    deadline = asyncio.get_running_loop().time() + _wait(request)
    while len(phone.received) <= after and (left := deadline - asyncio.get_running_loop().time()) > 0:
        await phone.wait_past(phone.version, left)
    messages = [_arrived(entry) for entry in phone.received[max(0, after) :]]
    return JSONResponse({"messages": messages, "last": len(phone.received)})


async def conversation(request: Request) -> Response:
    """Both directions with ticks; waits up to `wait` seconds while the version is still `version`."""
    phone = simulator_of(request).phones.phone(request.path_params["number"])
    await phone.wait_past(int(request.query_params.get("version", "-1")), _wait(request))
    names = ("direction", "id", "type", "text", "at", "state")
    entries = [{name: getattr(entry, name) for name in names} for entry in phone.entries]
    return JSONResponse({"version": phone.version, "typing": phone.is_typing, "entries": entries})


def _phone(request: Request) -> Phone:
    phones = simulator_of(request).phones
    phone = phones.known(request.path_params["number"])
    if phone is None:
        raise NoSuchPhone
    return phone


def _wait(request: Request) -> float:
    return min(float(request.query_params.get("wait", "0")), LONGEST_WAIT)


def _shown(phone: Phone) -> Json:
    names = ("number", *PhoneChange.model_fields)
    counts = {"sent": len(phone.entries) - len(phone.received), "received": len(phone.received)}
    return {name: getattr(phone, name) for name in names} | counts


def _arrived(entry: Entry) -> Json:
    names = ("seq", "id", "text", "type", "at", "outbox_id", "reply_to", "answers")
    return {name: getattr(entry, name) for name in names}

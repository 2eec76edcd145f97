"""The Graph API's side: who may ask, for which number, and what becomes of a send."""

import asyncio
import hmac
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.whatsapp_simulator.answers import Dropped
from ava_local.whatsapp_simulator.faults import Fate
from ava_local.whatsapp_simulator.graph_errors import GraphError
from ava_local.whatsapp_simulator.ledger import Outcome, Tried
from ava_local.whatsapp_simulator.phones import Phone
from ava_local.whatsapp_simulator.plan import Fault
from ava_local.whatsapp_simulator.sends import Read, Send, read_request
from ava_local.whatsapp_simulator.simulator import Simulator
from ava_local.whatsapp_simulator.statuses import Timed, comes_first

Json = dict[str, Any]
STATUS_FIRST_SECONDS = 2.0


async def describe(request: Request) -> Response:
    """`GET /{version}/{phone_number_id}`: our number as Meta shows it."""
    simulator: Simulator = request.app.state.simulator
    try:
        _authorise(request, simulator)
    except GraphError as refusal:
        return _refused(refusal)
    number = {"verified_name": "Ava", "code_verification_status": "VERIFIED", "quality_rating": "GREEN"}
    number |= {"display_phone_number": simulator.settings.display_number, "platform_type": "CLOUD_API"}
    throughput = {"throughput": {"level": "STANDARD"}, "id": simulator.settings.phone_number_id}
    return JSONResponse(number | throughput)


async def messages(request: Request) -> Response:
    """`POST /{version}/{phone_number_id}/messages`: send, or mark as read."""
    simulator: Simulator = request.app.state.simulator
    try:
        _authorise(request, simulator)
        asked = read_request(await request.body())
        if isinstance(asked, Read):
            return _mark_read(simulator, asked)
        return await _Attempt(simulator, asked).answer()
    except GraphError as refusal:
        return _refused(refusal)


def unknown_path(request: Request) -> Response:
    """Whatever else is asked of the Graph API."""
    return _refused(GraphError(2500, message=f"Unknown path components: {request.url.path}"))


class _Attempt:
    """One send request on its way to an answer."""

    def __init__(self, simulator: Simulator, send: Send) -> None:
        self._simulator, self._send = simulator, send
        self._phone = simulator.addressee(send)
        self._fate = Fate()

    async def answer(self) -> Response:
        """What the caller gets to see."""
        try:
            self._admit()
        except GraphError:
            self._note("refused", None)
            raise
        self._fate = self._simulator.faults.fate(self._key(), self._send.text)
        fault = self._fate.fault
        if fault is None or fault.kind in ("slow", "failed"):
            return await self._accept(fault)
        if fault.kind == "code":
            self._note("refused", None)
            raise GraphError(fault.code, retry_after=fault.retry_after)
        return await self._leave_unclear(fault)

    def _admit(self) -> None:
        self._simulator.limits.admit(self._key())
        strict = self._simulator.plan.window.answer == "error"
        if strict and self._phone is not None and not self._simulator.limits.is_open(self._phone):
            raise GraphError(131047, "More than 24 hours have passed since the recipient last replied.")

    async def _accept(self, fault: Fault | None) -> Response:
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.delay)
        failing = fault.code if fault is not None and fault.kind == "failed" else None
        wamid, told = self._simulator.accept(self._send, self._fate.with_status, failing)
        self._note("accepted", wamid)
        await self._tell(told)
        return JSONResponse(_accepted(self._send, self._phone, wamid))

    async def _leave_unclear(self, fault: Fault) -> Response:
        wamid = None
        if fault.reaches_the_phone:
            wamid, told = self._simulator.accept(self._send, self._fate.with_status)
            await self._tell(told)
        self._note("unknown", wamid)
        body = _accepted(self._send, self._phone, wamid or "")
        if fault.kind == "http_error":
            return Response("<html><body>Sorry, something went wrong.</body></html>", fault.status)
        if fault.kind == "no_id":
            return JSONResponse(body | {"messages": []})
        return Dropped(body, hold=fault.hold if fault.kind == "timeout" else 0.0)

    async def _tell(self, told: list[Timed]) -> None:
        for after, item in told:
            self._simulator.postbox.put(item, after)
        if told and comes_first(self._simulator.plan, self._send):
            try:
                await asyncio.wait_for(told[0][1].told.wait(), STATUS_FIRST_SECONDS)
            except TimeoutError:
                return

    def _key(self) -> str:
        return self._phone.number if self._phone is not None else self._send.addressee

    def _note(self, outcome: Outcome, wamid: str | None) -> None:
        fault, accepted = self._fate.fault, wamid is not None
        kind = fault.kind if fault is not None else None
        with_status = accepted and self._fate.with_status and self._simulator.plan.statuses.enabled
        tried = Tried(
            self._send.outbox_id,
            self._key(),
            self._send.text,
            wamid,
            outcome,
            kind,
            accepted,
            with_status,
            time.time(),
        )
        self._simulator.ledger.tried.append(tried)


def _authorise(request: Request, simulator: Simulator) -> None:
    expected = f"Bearer {simulator.settings.access_token.get_secret_value()}"
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise GraphError(190, message="Invalid OAuth access token - Cannot parse access token")
    path = request.path_params
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", path["version"]):
        raise GraphError(2500, message=f"Unknown path components: {request.url.path}")
    if path["phone_number_id"] != simulator.settings.phone_number_id:
        asked = f"Unsupported {request.method.lower()} request. Object with ID '{path['phone_number_id']}'"
        reasons = " does not exist or cannot be loaded due to missing permissions"
        raise GraphError(100, subcode=33, message=asked + reasons, kind="GraphMethodException")


def _mark_read(simulator: Simulator, read: Read) -> Response:
    if not simulator.mark_read(read.message_id, read.typing):
        raise GraphError(131009, "message_id is not the id of a message that was received.")
    return JSONResponse({"success": True})


def _accepted(send: Send, phone: Phone | None, wamid: str) -> Json:
    contact: Json = {"input": send.addressee}
    if send.to is not None:
        contact["wa_id"] = phone.wa_id if phone is not None else re.sub(r"[^0-9]", "", send.to)
    if phone is not None:
        contact["user_id"] = phone.user_id
    message = {"id": wamid, "message_status": "accepted"}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def _refused(refusal: GraphError) -> Response:
    headers = {} if refusal.retry_after is None else {"retry-after": str(refusal.retry_after)}
    return JSONResponse(refusal.body(), refusal.status, headers)

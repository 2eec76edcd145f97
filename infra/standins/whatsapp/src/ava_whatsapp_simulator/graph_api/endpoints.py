"""The Graph API endpoints: look up the business number, send a message, mark as read."""

import asyncio
import hmac
import re
import time
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ava_whatsapp_simulator.behaviour_plan import Fault
from ava_whatsapp_simulator.graph_api.dropped_response import DroppedResponse
from ava_whatsapp_simulator.graph_api.errors import GraphError
from ava_whatsapp_simulator.graph_api.fault_injection import FaultDecision
from ava_whatsapp_simulator.graph_api.send_request import MarkAsRead, SendRequest, parse_request
from ava_whatsapp_simulator.oracle import Outcome, SendAttempt
from ava_whatsapp_simulator.phones.phones import Phone
from ava_whatsapp_simulator.simulator import Simulator
from ava_whatsapp_simulator.webhooks.statuses import TimedItem, arrives_before_response

Json = dict[str, Any]
STATUS_FIRST_SECONDS = 2.0
PAGE = "<html><body>Sorry, something went wrong.</body></html>"


async def describe(request: Request) -> Response:
    """`GET /{version}/{phone_number_id}`: the business number as Meta shows it."""
    simulator: Simulator = request.app.state.simulator
    if simulator.plan.away:
        return Response(PAGE, 503, media_type="text/html")
    try:
        _check_token_and_path(request, simulator)
    except GraphError as error:
        return _error_response(error)
    number = {"verified_name": "Ava", "code_verification_status": "VERIFIED", "quality_rating": "GREEN"}
    number |= {"display_phone_number": simulator.settings.display_number, "platform_type": "CLOUD_API"}
    throughput = {"throughput": {"level": "STANDARD"}, "id": simulator.settings.phone_number_id}
    return JSONResponse(number | throughput)


async def messages(request: Request) -> Response:
    """`POST /{version}/{phone_number_id}/messages`: send, or mark as read."""
    simulator: Simulator = request.app.state.simulator
    try:
        _check_token_and_path(request, simulator)
        asked = parse_request(await request.body())
        if isinstance(asked, MarkAsRead):
            return _mark_read(simulator, asked)
        return await _SendHandler(simulator, asked).respond()
    except ClientDisconnect:
        simulator.oracle.cut_off += 1
        return Response(status_code=400)
    except GraphError as error:
        return _error_response(error)


def unknown_path(request: Request) -> Response:
    """Any other path of the Graph API."""
    return _error_response(GraphError(2500, message=f"Unknown path components: {request.url.path}"))


class _SendHandler:
    """Handles one send request."""

    def __init__(self, simulator: Simulator, send: SendRequest) -> None:
        self._simulator, self._send = simulator, send
        self._phone = simulator.recipient_phone(send)
        self._decision = FaultDecision()

    async def respond(self) -> Response:
        """What the caller is told: accepted, an error, or something unclear."""
        if self._simulator.plan.away:
            self._record("unknown", None, "away")
            return Response(PAGE, 503, media_type="text/html")
        try:
            self._check_limits()
        except GraphError:
            self._record("refused", None)
            raise
        self._decision = self._simulator.faults.decide(self._recipient(), self._send.text)
        fault = self._decision.fault
        if fault is None or fault.kind in ("slow", "failed"):
            return await self._accept(fault)
        if fault.kind == "code":
            self._record("refused", None)
            raise GraphError(fault.code, retry_after=fault.retry_after)
        return await self._respond_unclearly(fault)

    def _check_limits(self) -> None:
        self._simulator.limits.check(self._recipient())
        strict = self._simulator.plan.window.answer == "error"
        if strict and self._phone is not None and not self._simulator.limits.is_window_open(self._phone):
            raise GraphError(131047, "More than 24 hours have passed since the recipient last replied.")

    async def _accept(self, fault: Fault | None) -> Response:
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.delay)
        error_code = fault.code if fault is not None and fault.kind == "failed" else None
        wamid, timed_statuses = self._simulator.accept(self._send, self._decision.with_status, error_code)
        self._record("accepted", wamid)
        await self._queue_statuses(timed_statuses)
        return JSONResponse(_accepted_json(self._send, self._phone, wamid))

    async def _respond_unclearly(self, fault: Fault) -> Response:
        wamid = None
        if fault.reaches_the_phone:
            wamid, timed_statuses = self._simulator.accept(self._send, self._decision.with_status)
            await self._queue_statuses(timed_statuses)
        self._record("unknown", wamid)
        body = _accepted_json(self._send, self._phone, wamid or "")
        if fault.kind == "http_error":
            return Response(PAGE, fault.status, media_type="text/html")
        if fault.kind == "no_id":
            return JSONResponse(body | {"messages": []})
        return DroppedResponse(body, delay=fault.hold if fault.kind == "timeout" else 0.0)

    async def _queue_statuses(self, timed_statuses: list[TimedItem]) -> None:
        for after, item in timed_statuses:
            self._simulator.batcher.add(item, after)
        if timed_statuses and arrives_before_response(self._simulator.plan, self._send):
            try:
                await asyncio.wait_for(timed_statuses[0][1].acknowledged.wait(), STATUS_FIRST_SECONDS)
            except TimeoutError:
                return

    def _recipient(self) -> str:
        return self._phone.number if self._phone is not None else self._send.addressee

    def _record(self, outcome: Outcome, wamid: str | None, kind: str | None = None) -> None:
        fault, accepted = self._decision.fault, wamid is not None
        kind = fault.kind if fault is not None else kind
        with_status = accepted and self._decision.with_status and self._simulator.plan.statuses.enabled
        attempt = SendAttempt(
            self._send.outbox_id,
            self._recipient(),
            self._send.text,
            wamid,
            outcome,
            kind,
            accepted,
            with_status,
            time.time(),
        )
        self._simulator.oracle.send_attempts.append(attempt)


def _check_token_and_path(request: Request, simulator: Simulator) -> None:
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


def _mark_read(simulator: Simulator, read: MarkAsRead) -> Response:
    if not simulator.mark_read(read.message_id, read.typing):
        raise GraphError(131009, "message_id does not match any received message.")
    return JSONResponse({"success": True})


def _accepted_json(send: SendRequest, phone: Phone | None, wamid: str) -> Json:
    contact: Json = {"input": send.addressee}
    if send.to is not None:
        contact["wa_id"] = phone.wa_id if phone is not None else re.sub(r"[^0-9]", "", send.to)
    if phone is not None:
        contact["user_id"] = phone.user_id
    message = {"id": wamid, "message_status": "accepted"}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def _error_response(error: GraphError) -> Response:
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return JSONResponse(error.body(), error.status, headers)

"""Parses the body of a send request, as strictly as the Graph API does.

See docs/contracts/whatsapp-cloud-api.md#sending.
"""

import json
from dataclasses import dataclass
from typing import Any

from ava_whatsapp_simulator.graph_api.errors import GraphError
from ava_whatsapp_simulator.whatsapp_ids import digits_of, is_user_id

Json = dict[str, Any]
MAX_TEXT_LENGTH = 4096
MAX_CALLBACK_DATA_LENGTH = 512
_KEYS = frozenset((
    "messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data",
    "status", "message_id", "typing_indicator",
))  # fmt: skip
_TYPES = frozenset((
    "text", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive",
    "template", "reaction",
))  # fmt: skip


@dataclass(frozen=True)
class SendRequest:
    """One message: `to` (a number) or `recipient` (a business-scoped user id) exactly as given."""

    to: str | None
    recipient: str | None
    type: str
    text: str
    outbox_id: str | None
    reply_to: str | None

    @property
    def addressee(self) -> str:
        """Who receives it; if both are given, `to` wins."""
        return self.to or self.recipient or ""


@dataclass(frozen=True)
class MarkAsRead:
    """A request to mark a message as read and, with `typing`, to show the typing indicator."""

    message_id: str
    typing: bool


def parse_request(raw: bytes) -> SendRequest | MarkAsRead:
    """What is requested. Raises GraphError if the body is invalid."""
    body = _document(raw)
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    unknown = sorted(set(body) - _KEYS - _TYPES)
    if unknown:
        raise GraphError(100, message=f'(#100) Unexpected key "{unknown[0]}" on param "$".')
    return _read(body) if "status" in body else _send(body)


def _document(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise GraphError(100, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise GraphError(100, "The body must be a JSON object.")
    return body


def _read(body: Json) -> MarkAsRead:
    if body["status"] != "read":
        raise GraphError(131009, "status must be 'read'.")
    unknown = sorted(set(body) - {"messaging_product", "status", "message_id", "typing_indicator"})
    if unknown:
        raise GraphError(100, message=f'(#100) Unexpected key "{unknown[0]}" on param "$".')
    message_id, typing = body.get("message_id"), body.get("typing_indicator")
    if not message_id or not isinstance(message_id, str):
        raise GraphError(131008, "message_id is required.")
    if typing is not None and typing != {"type": "text"}:
        raise GraphError(131009, "typing_indicator must be {'type': 'text'}.")
    return MarkAsRead(message_id, typing is not None)


def _send(body: Json) -> SendRequest:
    if body.get("recipient_type", "individual") not in ("individual", "group"):
        raise GraphError(131009, "recipient_type must be 'individual' or 'group'.")
    to, recipient = _to(body), _recipient(body)
    if to is None and recipient is None:
        raise GraphError(131008, "Either 'to' or 'recipient' is required.")
    kind = body.get("type", "text")
    if kind not in _TYPES:
        raise GraphError(131009, f"type must be one of {', '.join(sorted(_TYPES))}.")
    return SendRequest(to, recipient, kind, _text(body, kind), _callback_data(body), _reply_to(body))


def _to(body: Json) -> str | None:
    to = body.get("to")
    if to is None:
        return None
    if not isinstance(to, str) or not digits_of(to):
        raise GraphError(131009, "'to' must be a phone number.")
    return to


def _recipient(body: Json) -> str | None:
    recipient = body.get("recipient")
    if recipient is None:
        return None
    if not isinstance(recipient, str) or not is_user_id(recipient):
        raise GraphError(131009, "'recipient' must be a business-scoped user id.")
    return recipient


def _text(body: Json, kind: str) -> str:
    node = body.get(kind)
    if not isinstance(node, list if kind == "contacts" else dict):
        raise GraphError(131008, f"Parameter '{kind}' is required.")
    if kind != "text" or not isinstance(node, dict):
        return f"[{kind}]"
    unknown = sorted(set(node) - {"body", "preview_url"})
    if unknown:
        raise GraphError(100, message=f'(#100) Unexpected key "{unknown[0]}" on param "text".')
    text = node.get("body")
    if not isinstance(text, str) or not text:
        raise GraphError(131008, "Param text['body'] is required and must not be empty.")
    return _limited(text, MAX_TEXT_LENGTH, "text['body']")


def _callback_data(body: Json) -> str | None:
    data = body.get("biz_opaque_callback_data")
    if data is None:
        return None
    if not isinstance(data, str):
        raise GraphError(100, message="(#100) Param biz_opaque_callback_data must be a string.")
    return _limited(data, MAX_CALLBACK_DATA_LENGTH, "biz_opaque_callback_data")


def _reply_to(body: Json) -> str | None:
    context = body.get("context")
    if context is None:
        return None
    if not isinstance(context, dict) or not isinstance(context.get("message_id"), str):
        raise GraphError(131009, "context.message_id must be a message id.")
    message_id: str = context["message_id"]
    return message_id


def _limited(text: str, limit: int, name: str) -> str:
    if len(text) > limit:
        raise GraphError(100, message=f"(#100) Param {name} must be at most {limit} characters long.")
    return text

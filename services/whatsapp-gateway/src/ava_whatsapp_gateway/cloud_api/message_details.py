"""What a message refers to beside its words: the message it replies to, and its media.

Decision 0175. See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

import json
from dataclasses import dataclass

from ava_whatsapp_gateway.cloud_api.lenient_json import find, text

_MEDIA_KINDS = ("image", "video", "document", "sticker", "audio", "voice")


@dataclass(frozen=True, slots=True)
class Media:
    """A file at Meta: its id there, and what it is."""

    id: str
    kind: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Details:
    """`replies_to` is the wamid of the message this one replies to; empty when it replies to none."""

    replies_to: str = ""
    media: tuple[Media, ...] = ()


def beyond_words(kind: str, item: bytes) -> bytes:
    """The message as far as `details` may find something in it: a text that replies to none is its words."""
    return b"" if kind == "text" and b'"context"' not in item else item


def details(item: bytes) -> Details:
    """The details of a message as ingest stored it; empty for what cannot be read."""
    try:
        message = json.loads(item)
    except (ValueError, RecursionError):
        return Details()
    found = ((kind, find(message, kind)) for kind in _MEDIA_KINDS)
    media = (
        Media(text(find(node, "id"), 256), kind, text(find(node, "mime_type"), 128)) for kind, node in found
    )
    return Details(text(find(message, "context", "id"), 256), tuple(file for file in media if file.id))

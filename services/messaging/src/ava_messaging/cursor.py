"""The pagination cursor: where a page of messages ended, as an opaque string."""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_SHAPE = struct.Struct(">Bq16s")
_VERSION = 1
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = 34
PATTERN = rf"^[A-Za-z0-9_-]{{{_LENGTH}}}$"


@dataclass(frozen=True, slots=True)
class Position:
    """A message's place in the log: the keyset (created_at, id)."""

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        packed = _SHAPE.pack(_VERSION, (self.created_at - _EPOCH) // _MICROSECOND, self.id.bytes)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(cursor: object) -> Position:
    """The position a cursor stands for; anything but a cursor of this service is refused."""
    try:
        packed = base64.b64decode(f"{cursor}==", altchars=b"-_", validate=True)
        version, microseconds, id = _SHAPE.unpack(packed)
        position = Position(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=id))
    except (ValueError, binascii.Error, struct.error, OverflowError):
        position, version = None, 0
    if position is None or version != _VERSION or position.encode() != cursor:
        raise PydanticCustomError("cursor", "is not a valid cursor: pass `next` from the previous page")
    return position


Cursor = Annotated[Position, PlainValidator(decode), WithJsonSchema({"type": "string", "pattern": PATTERN})]

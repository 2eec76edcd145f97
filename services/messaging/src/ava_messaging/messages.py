"""The message: its fields, their limits, and what may be written.

Decisions 0113 and 0141. See docs/contracts/postgres.md#characters-it-cannot-store.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from ava_common.bodies import PlainText, PublicInput, ServiceBody, not_blank

CONTENT_MAX_CHARACTERS = 65_536
CLOCK_SKEW = timedelta(minutes=5)

Channel = Literal["app", "whatsapp"]
Role = Literal["user", "assistant"]


def _storable(text: object) -> object:
    """Text as PostgreSQL can store it: without NUL, with U+FFFD for half a surrogate pair.

    Phones send such things; the turn matters more than its odd character.
    """
    if not isinstance(text, str):
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _iso(moment: object) -> object:
    # Pydantic would read a number as seconds or milliseconds since an epoch, which is never meant here.
    # ASCII only, because the words about it may quote it, and half of a surrogate pair cannot be quoted.
    if not isinstance(moment, str) or not moment.isascii() or not re.match(r"\d{4}-\d\d-\d\d", moment):
        raise PydanticCustomError(
            "moment", "must be a date and a time with a time zone, like 2026-01-31T12:00:00Z"
        )
    return moment


def _plus_sign(moment: object) -> object:
    if isinstance(moment, str) and (found := re.fullmatch(r"(\S*\d) (\d\d:?\d\d)", moment)):
        raise PydanticCustomError(
            "moment_plus",
            "must have its + written as %2B, like {example}: in a URL a plain + is a space",
            {"example": f"{found[1]}%2B{found[2]}"},
        )
    return moment


def _in_range(moment: datetime) -> datetime:
    # The ends of the calendar overflow when turned into UTC.
    if not 1 < moment.year < 9999:
        raise PydanticCustomError("moment_range", "must be between the years 2 and 9998")
    return moment


def _not_ahead(moment: datetime) -> datetime:
    if moment > datetime.now(UTC) + CLOCK_SKEW:
        raise PydanticCustomError(
            "moment_ahead", "is in the future; send the time at which the message was written"
        )
    return moment


Content = Annotated[PlainText, StringConstraints(min_length=1, max_length=CONTENT_MAX_CHARACTERS)]
SpokenContent = Annotated[
    str,
    StringConstraints(min_length=1, max_length=CONTENT_MAX_CHARACTERS),
    Field(json_schema_extra={"pattern": r"[^\x00]"}, description="NUL characters are dropped."),
    BeforeValidator(_storable),
]
ExternalId = Annotated[PlainText, StringConstraints(min_length=1, max_length=512)]
# The validator named last is asked first.
Moment = Annotated[
    AwareDatetime, BeforeValidator(_plus_sign), BeforeValidator(_iso), AfterValidator(_in_range)
]


class Message(BaseModel):
    """One turn of a user or their companion."""

    id: UUID
    avatar_id: UUID | None
    channel: Channel
    role: Role
    content: str
    created_at: datetime
    external_id: str | None
    sent_at: Annotated[
        datetime | None, Field(description="When the phone sent it, in whole seconds; WhatsApp only.")
    ]
    edited_at: Annotated[
        datetime | None, Field(description="When it was edited on the phone: `content` is the new one.")
    ]
    deleted_at: Annotated[
        datetime | None, Field(description="When it was deleted on the phone: `content` is empty.")
    ]


class Written(PublicInput):
    """What a user writes in the app."""

    content: Annotated[
        Content,
        AfterValidator(not_blank),
        Field(json_schema_extra={"pattern": r"[^\s\x00]"}, examples=["Good morning, Mira."]),
    ]
    avatar_id: UUID | None = None


class Turn(ServiceBody):
    """What a service writes in a user's name, because it happened on another channel."""

    channel: Channel
    role: Role
    content: SpokenContent
    avatar_id: UUID | None = None
    external_id: ExternalId | None = None
    created_at: Annotated[
        Annotated[Moment, AfterValidator(_not_ahead)] | None,
        Field(description="When it was said; it stands in the log after all that is there already."),
    ] = None
    sent_at: Annotated[Moment, AfterValidator(_not_ahead)] | None = None


class Correction(ServiceBody):
    """What a user did on the phone to a message of theirs: edited it, or deleted it (without `content`)."""

    external_id: ExternalId
    content: SpokenContent | None = None
    changed_at: Annotated[Moment, AfterValidator(_not_ahead)]


class Page(BaseModel):
    """Up to `limit` messages in the order asked for; `next` is the cursor of the rest, null at the end."""

    messages: list[Message]
    next: str | None

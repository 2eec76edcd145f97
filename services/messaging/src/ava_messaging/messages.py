"""What a message is, and what may be written into one."""

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

LONGEST = 65_536
CLOCK_SKEW = timedelta(minutes=5)

Channel = Literal["app", "whatsapp"]
Role = Literal["user", "assistant"]


def _storable(text: object) -> object:
    """Text as PostgreSQL can keep it: without NUL, with U+FFFD for half a surrogate pair.

    Phones send such things; a turn is worth more than its odd character.
    """
    if not isinstance(text, str):
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _iso(moment: object) -> object:
    # Pydantic would read a number as seconds, or milliseconds, of an epoch; nobody means that here.
    if not isinstance(moment, str) or not re.match(r"\d{4}-\d\d-\d\d", moment):
        raise PydanticCustomError("moment", "Write a moment with its zone, like 2026-01-31T12:00:00Z")
    return moment


def _in_range(moment: datetime) -> datetime:
    # The ends of the calendar overflow when turned into UTC.
    if not 1 < moment.year < 9999:
        raise PydanticCustomError("moment_range", "Name a moment between the years 2 and 9998")
    return moment


def _not_ahead(moment: datetime) -> datetime:
    if moment > datetime.now(UTC) + CLOCK_SKEW:
        raise PydanticCustomError("moment_ahead", "A message cannot come from the future; send its real time")
    return moment


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "Leave out NUL characters")
    return text


Content = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST),
    Field(json_schema_extra={"pattern": r"[^\x00]"}, description="NUL characters are dropped."),
    BeforeValidator(_storable),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_iso), AfterValidator(_in_range)]
Plain = Annotated[str, AfterValidator(_without_nul), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]


class Message(BaseModel):
    """One turn of a person or their companion."""

    id: UUID
    avatar_id: UUID | None
    channel: Channel
    role: Role
    content: str
    created_at: datetime
    external_id: str | None


class Written(BaseModel):
    """What a person writes in the app."""

    content: Content
    avatar_id: UUID | None = None


class Turn(BaseModel):
    """What a room writes down in a person's name, as it happened elsewhere."""

    channel: Channel
    role: Role
    content: Content
    avatar_id: UUID | None = None
    external_id: Annotated[Plain, StringConstraints(min_length=1, max_length=512)] | None = None
    created_at: Annotated[Moment, AfterValidator(_not_ahead)] | None = None


class Page(BaseModel):
    """Messages in the order asked for; `next` is the cursor of the following page, null at the end."""

    messages: list[Message]
    next: str | None

"""The avatar: its fields, their limits, and the problems around them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ava_common.bodies import PublicInput, not_blank
from ava_common.problems import Problem
from ava_common.validation_messages import Matches

_CONTROL = r"\x00-\x1f\x7f\x85\u2028\u2029"
ONE_LINE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


class AvatarNotFound(Problem):
    """You have no avatar yet. Create one with PUT /profile/avatar."""

    status = 404


class SecondAvatar(Problem):
    """You already have an avatar (one per account). Use PATCH, or PUT without `If-None-Match`."""

    status = 412


class Personality(StrEnum):
    warm = "warm"
    playful = "playful"
    calm = "calm"
    witty = "witty"
    curious = "curious"
    direct = "direct"


def _number(age: object) -> object:
    if isinstance(age, str | bool):
        raise PydanticCustomError("number", "must be a whole number")
    return age


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(not_blank),
    Matches(ONE_LINE, "must be one line without control characters"),
    Field(examples=["Mira"]),
]
Age = Annotated[
    int,
    Field(ge=20, le=150, examples=[27], description="Avatars are adults: at least 20."),
    BeforeValidator(_number),
]
Looks = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000),
    Matches(LINES, "must not contain control characters such as NUL"),
    Field(examples=["Tall, dark curls, always a scarf."]),
]


class Avatar(BaseModel):
    """A user's companion."""

    id: UUID
    name: str
    age: int
    personality: Personality
    physical_description: str
    created_at: datetime


class AvatarDraft(PublicInput):
    """A complete avatar, as its user describes it."""

    name: Name
    age: Age
    personality: Personality
    physical_description: Looks = ""


class AvatarChange(PublicInput):
    """The fields to change; a field left out (or null) stays as it is."""

    name: Name | None = None
    age: Age | None = None
    personality: Personality | None = None
    physical_description: Looks | None = None

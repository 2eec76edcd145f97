"""The version of an avatar, so that a change from another device is not overwritten unseen.

Decision 0124.
"""

import hashlib
from typing import Annotated

from fastapi import Header
from pydantic import WithJsonSchema

from ava_common.problems import Problem
from ava_common.validation_messages import Matches
from ava_profile.avatar_fields import Avatar

_TAG = r'(?:W/)?"[!#-~]*"'
TAGS = rf"^(?:\*|{_TAG}(?:\s*,\s*{_TAG})*)$"


class AvatarChanged(Problem):
    """Your avatar has changed since you read it. Read it again with GET /profile/avatar and repeat."""

    status = 412


_Tags = Annotated[str, Matches(TAGS, 'must be * or the ETag of your avatar, like "0f3a…", with its quotes')]
IfMatch = Annotated[
    _Tags | None,
    Header(description="The ETag you read: change this version of the avatar only."),
    WithJsonSchema({"type": "string", "pattern": TAGS}),
]
IfNoneMatch = Annotated[
    _Tags | None,
    Header(description="The ETag you have: 304 when your avatar is still the same."),
    WithJsonSchema({"type": "string", "pattern": TAGS}),
]


def etag(avatar: Avatar) -> str:
    """Two avatars with the same tag have the same fields."""
    return f'"{hashlib.sha256(avatar.model_dump_json().encode()).hexdigest()[:32]}"'


def require(condition: str | None, avatar: Avatar | None) -> None:
    """Raises AvatarChanged unless If-Match holds (RFC 9110 section 13.1.1: a weak tag never does)."""
    if condition is None or (avatar is not None and _names(condition, etag(avatar))):
        return
    raise AvatarChanged


def is_unchanged(condition: str | None, avatar: Avatar) -> bool:
    """Whether If-None-Match names this version, weakly or strongly."""
    return condition is not None and _names(condition.replace("W/", ""), etag(avatar))


def _names(condition: str, tag: str) -> bool:
    return condition == "*" or tag in (one.strip() for one in condition.split(","))

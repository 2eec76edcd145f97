"""The routes of the avatar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import WithJsonSchema

from ava_common.authentication import CurrentCaller, NotSignedIn
from ava_common.caller import Caller
from ava_common.database import AccountGone, Connection
from ava_common.live_sessions import REFUSALS, LiveCaller
from ava_common.problems import DatabaseAway, responses
from ava_common.validation_messages import Matches
from ava_profile import avatar_version, store
from ava_profile.avatar_fields import (
    Avatar,
    AvatarChange,
    AvatarDraft,
    AvatarNotFound,
    Personality,
    SecondAvatar,
)
from ava_profile.avatar_version import AvatarChanged, IfMatch, IfNoneMatch, etag
from ava_profile.resources import Resources, ResourcesDep

SIGNED = (NotSignedIn, AccountGone, DatabaseAway)
LIVE = (*REFUSALS, DatabaseAway)

CreateOnly = Annotated[
    Annotated[str, Matches(r"^\*$", "must be *")] | None,
    Header(description="`*`: create, never replace."),
    WithJsonSchema({"type": "string", "pattern": r"^\*$"}),
]

router = APIRouter(prefix="/profile", tags=["avatar"])


@router.get("/personalities", operation_id="personalities_list")
async def personalities() -> list[Personality]:
    """The personalities an avatar can have; needs no sign-in."""
    return list(Personality)


@router.get(
    "/avatar",
    operation_id="avatar_read",
    response_model=Avatar,
    responses={**responses(*SIGNED, AvatarNotFound), 304: {"description": "Still the version you have"}},
)
async def read_avatar(
    resources: ResourcesDep, response: Response, caller: CurrentCaller, if_none_match: IfNoneMatch = None
) -> Avatar | Response:
    """Your avatar, with its version in ETag."""
    async with store.transaction_for(resources.pool, caller) as connection:
        avatar = await store.find_avatar(connection, caller.id)
    found = _tagged(response, avatar)
    if avatar_version.is_unchanged(if_none_match, found):
        return Response(status_code=304, headers=dict(response.headers))
    return found


@router.get("/avatars", operation_id="avatars_list", responses=responses(*SIGNED))
async def list_avatars(resources: ResourcesDep, caller: CurrentCaller) -> list[Avatar]:
    """Your avatars, of which there is at most one: an empty list, and no 404, before you create it."""
    async with store.transaction_for(resources.pool, caller) as connection:
        avatar = await store.find_avatar(connection, caller.id)
    return [avatar] if avatar else []


@router.put(
    "/avatar",
    operation_id="avatar_put",
    responses={
        **responses(*LIVE, SecondAvatar, AvatarChanged),
        201: {"model": Avatar, "description": "Created"},
    },
)
async def put_avatar(
    draft: AvatarDraft,
    resources: ResourcesDep,
    response: Response,
    caller: LiveCaller,
    if_none_match: CreateOnly = None,
    if_match: IfMatch = None,
) -> Avatar:
    """Create your avatar (201) or replace it (200)."""
    async with _transaction_on_version(resources, caller, if_match) as connection:
        if if_none_match:
            avatar, created = await store.create_avatar(connection, caller.id, draft), True
        else:
            avatar, created = await store.put_avatar(connection, caller.id, draft)
    if avatar is None:
        raise SecondAvatar
    if created:
        response.status_code, response.headers["Location"] = 201, "/profile/avatar"
    return _tagged(response, avatar)


@router.patch(
    "/avatar",
    operation_id="avatar_change",
    responses=responses(*LIVE, AvatarNotFound, AvatarChanged),
)
async def change_avatar(
    change: AvatarChange,
    resources: ResourcesDep,
    response: Response,
    caller: LiveCaller,
    if_match: IfMatch = None,
) -> Avatar:
    """Change some of your avatar's fields."""
    async with _transaction_on_version(resources, caller, if_match) as connection:
        avatar = await store.change_avatar(connection, caller.id, change)
    return _tagged(response, avatar)


@router.delete(
    "/avatar",
    operation_id="avatar_delete",
    status_code=204,
    response_class=Response,
    responses=responses(*LIVE, AvatarNotFound, AvatarChanged),
)
async def delete_avatar(resources: ResourcesDep, caller: LiveCaller, if_match: IfMatch = None) -> None:
    """Delete your avatar; your messages stay."""
    async with _transaction_on_version(resources, caller, if_match) as connection:
        gone = await store.delete_avatar(connection, caller.id)
    if not gone:
        raise AvatarNotFound


@asynccontextmanager
async def _transaction_on_version(
    resources: Resources, caller: Caller, if_match: str | None
) -> AsyncIterator[Connection]:
    """A transaction in which the avatar has the version that If-Match names. Raises AvatarChanged."""
    async with store.transaction_for(resources.pool, caller) as connection:
        if if_match is not None:
            avatar_version.require(if_match, await store.find_avatar(connection, caller.id, lock=True))
        yield connection


def _tagged(response: Response, avatar: Avatar | None) -> Avatar:
    if avatar is None:
        raise AvatarNotFound
    response.headers["ETag"] = etag(avatar)
    return avatar

"""The routes of the preferences: the link to a WhatsApp number."""

from uuid import UUID

from fastapi import APIRouter, Response

from ava_common.attempt_limiter import TooManyAttempts
from ava_common.authentication import CurrentCaller, NotSignedIn
from ava_common.client_ip import ClientIp
from ava_common.database import AccountGone, Connection
from ava_common.live_sessions import REFUSALS, LiveCaller
from ava_common.problems import DatabaseAway, responses
from ava_profile import store
from ava_profile.link_attempts import limited
from ava_profile.link_code import LinkCode
from ava_profile.phone import to_e164
from ava_profile.preference_fields import (
    PendingLink,
    PhoneLink,
    PhoneTaken,
    Preferences,
    WhatsAppIdentity,
)
from ava_profile.resources import ResourcesDep
from ava_profile.settings import Settings

SIGNED = (NotSignedIn, AccountGone, DatabaseAway)
LIVE = (*REFUSALS, DatabaseAway)

router = APIRouter(prefix="/profile")


@router.get(
    "/preferences", operation_id="preferences_read", tags=["preferences"], responses=responses(*SIGNED)
)
async def read_preferences(resources: ResourcesDep, caller: CurrentCaller) -> Preferences:
    """Your preferences; everything null until you set something."""
    async with store.transaction_for(resources.pool, caller) as connection:
        return await store.find_preferences(connection, caller.id)


@router.get(
    "/whatsapp-identities",
    operation_id="whatsapp_identities_list",
    tags=["preferences"],
    responses=responses(*LIVE),
)
async def read_whatsapp_identities(resources: ResourcesDep, caller: LiveCaller) -> list[WhatsAppIdentity]:
    """Who you are on WhatsApp, as Meta names you to us, from your linked number's first message on."""
    async with store.transaction_for(resources.pool, caller) as connection:
        return await store.whatsapp_identities(connection)


@router.put(
    "/preferences/whatsapp",
    operation_id="whatsapp_link",
    tags=["preferences"],
    responses={
        **responses(*LIVE, PhoneTaken, TooManyAttempts),
        202: {"model": PendingLink, "description": "Linked once the code arrives from that number"},
    },
)
async def link_whatsapp(
    link: PhoneLink, resources: ResourcesDep, response: Response, caller: LiveCaller, client_ip: ClientIp
) -> Preferences | PendingLink:
    """Link the number you write from: at once (200), or once a code comes from it (202)."""
    phone = to_e164(link.phone, link.region)
    async with (
        limited(resources.limiter, "link", client_ip, caller),
        store.transaction_for(resources.pool, caller) as connection,
    ):
        linked = await _linked(connection, resources.settings, caller.id, phone)
    response.status_code = 202 if isinstance(linked, PendingLink) else 200
    return linked


async def _linked(
    connection: Connection, settings: Settings, user_id: UUID, phone: str
) -> Preferences | PendingLink:
    """With a code the answer is the same for a free number and for a taken one, and takes the same steps."""
    if settings.display_number is None or settings.link_confirmation == "off":
        return await store.link_phone(connection, user_id, phone)
    preferences = await store.find_preferences(connection, user_id)
    if preferences.whatsapp_phone == phone:
        return preferences
    code = LinkCode.new()
    await store.put_pending_link(connection, user_id, phone, code)
    return PendingLink(
        pending=phone,
        code=code.code,
        expires_at=code.expires_at,
        whatsapp_url=code.whatsapp_url(settings.display_number),
    )


@router.delete(
    "/preferences/whatsapp",
    operation_id="whatsapp_unlink",
    tags=["preferences"],
    status_code=204,
    response_class=Response,
    responses=responses(*LIVE, TooManyAttempts),
)
async def unlink_whatsapp(resources: ResourcesDep, caller: LiveCaller, client_ip: ClientIp) -> None:
    """Unlink your number, and drop one that is waiting for its code."""
    async with (
        limited(resources.limiter, "unlink", client_ip, caller),
        store.transaction_for(resources.pool, caller) as connection,
    ):
        await store.unlink_phone(connection, caller.id)

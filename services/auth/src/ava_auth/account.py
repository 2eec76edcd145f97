"""What only the person themselves may do, typing their password: change it, or leave with everything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from ava_auth import browser, export
from ava_auth.attempts import Attempt, digest
from ava_auth.entry import accept_password
from ava_auth.forms import NewPassword, Proof
from ava_auth.people import Person
from ava_auth.refusals import (
    AccountsAway,
    EmailNotConfirmed,
    FreshLoginNeeded,
    PasswordRefused,
    RoomAway,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
    WrongPassword,
)
from ava_auth.resources import Address, Here, Resources
from ava_common.callers import Caller
from ava_common.guards import NotSignedIn, PersonPresent, PersonRequired
from ava_common.problems import responses
from ava_common.tokens import InvalidToken

router = APIRouter(prefix="/auth", tags=["my account"])
_CHANGING = (WrongPassword, PasswordRefused, FreshLoginNeeded)
_FILE = {"description": "One file", "content": {"application/json": {"schema": {"type": "object"}}}}
_SIGNED = (InvalidToken, NotSignedIn, PersonRequired, SessionEnded, TooManyAttempts, AccountsAway)


@asynccontextmanager
async def _proven(here: Resources, person: Person, password: str, address: str) -> AsyncIterator[Attempt]:
    """Inside, the password was right. Proving it opens a session of its own, which is closed again."""
    async with here.attempts.count("password", address, str(person.id)) as attempt:
        try:
            proof = await here.accounts.log_in(person.email, password, address)
        except (WrongCredentials, EmailNotConfirmed):
            await here.trail.add("password.refused", person=person.id, network=attempt.network)
            raise WrongPassword from None
        try:
            yield attempt
        finally:
            await here.accounts.log_out(proof.access_token, "local")
        await attempt.succeeded()


async def _live(here: Resources, caller: Caller) -> Person:
    """The person behind a token whose session still lives; our own verification cannot know that."""
    return await here.accounts.person(caller.token)


@router.put(
    "/password",
    status_code=204,
    response_class=Response,
    responses=responses(*_SIGNED, *_CHANGING),
)
async def change_password(wish: NewPassword, caller: PersonPresent, here: Here, address: Address) -> None:
    """Set a new password; every other session ends, this one goes on."""
    current, new = wish.current_password.get_secret_value(), wish.new_password.get_secret_value()
    person = await _live(here, caller)
    await accept_password(here, new, person.email, "#/new_password")
    async with _proven(here, person, current, address) as attempt:
        if not await here.accounts.set_password(caller.token, current, new, address):
            raise PasswordRefused("it is the one you have", pointer="#/new_password")
    await here.trail.add("password.changed", person=person.id, network=attempt.network)


@router.delete(
    "/account", status_code=204, response_class=Response, responses=responses(*_SIGNED, WrongPassword)
)
async def delete_account(
    proof: Proof, caller: PersonPresent, here: Here, address: Address, response: Response
) -> None:
    """Delete the account and all that is its, in every room. There is no way back."""
    person = await _live(here, caller)
    async with _proven(here, person, proof.password.get_secret_value(), address) as attempt:
        await here.accounts.remove(person.id)
    await here.attempts.forget(digest(person.email), str(person.id))
    await here.trail.add("account.deleted", person=person.id, network=attempt.network)
    browser.clear(response)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={**responses(*_SIGNED, RoomAway), 200: _FILE},
)
async def export_all(caller: PersonPresent, here: Here) -> StreamingResponse:
    """Everything that is yours, from every room, as one JSON file."""
    person = await _live(here, caller)
    parts = await export.gather(here, caller, person)
    await here.trail.add("account.exported", person=person.id)
    return StreamingResponse(
        parts,
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="ava.json"', "Cache-Control": "no-store"},
    )

"""One account from sign-up to deletion, with the unmodified Python client. Prints `done`."""

import asyncio
import sys

import pytest

from supabase import (
    AsyncClient,
    AsyncClientOptions,
    AuthApiError,
    AuthWeakPasswordError,
    create_async_client,
)

PASSWORD, LATER = "a quokka with 9 lanterns", "an armadillo with 7 kettles"


async def account_lifecycle(url: str, publishable: str, secret: str, email: str) -> None:
    quiet = AsyncClientOptions(auto_refresh_token=False)
    client = await create_async_client(url, publishable, options=quiet)
    admin = await create_async_client(url, secret, options=AsyncClientOptions(auto_refresh_token=False))
    signed_up = await client.auth.sign_up(
        {"email": email, "password": PASSWORD, "options": {"data": {"a": 1}}}
    )
    assert signed_up.user, "no user"
    try:
        if not signed_up.session:
            await admin.auth.admin.update_user_by_id(signed_up.user.id, {"email_confirm": True})
        await _account(client, email)
        await _mailed(client, admin, email)
        await _refused(client, email)
        await _elsewhere(client, url, publishable, email)
        await _banned(client, admin, signed_up.user.id, email)
    finally:
        await admin.auth.admin.delete_user(signed_up.user.id)


async def _account(client: AsyncClient, email: str) -> None:
    first = await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert first.session
    second = await client.auth.refresh_session()
    assert second.session
    assert second.session.refresh_token != first.session.refresh_token
    changed = await client.auth.update_user({"password": LATER, "data": {"b": 2}})
    assert changed.user.user_metadata["b"] == 2
    seen = await client.auth.get_user()
    assert seen
    assert seen.user.email == email
    claims = await client.auth.get_claims()
    assert claims
    assert dict(claims["claims"])["email"] == email
    await client.auth.sign_out({"scope": "local"})
    assert await client.auth.get_session() is None
    with pytest.raises(AuthApiError) as refused:
        await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert (refused.value.code, refused.value.status) == ("invalid_credentials", 400)
    await client.auth.sign_in_with_password({"email": email, "password": LATER})
    await client.auth.sign_out()


async def _mailed(client: AsyncClient, admin: AsyncClient, email: str) -> None:
    link = await admin.auth.admin.generate_link({"type": "recovery", "email": email})
    hashed_token = link.properties.hashed_token
    let_in = await client.auth.verify_otp({"type": "recovery", "token_hash": hashed_token})
    assert let_in.session
    users = await admin.auth.admin.list_users()
    assert any(user.email == email for user in users)
    await client.auth.reset_password_for_email(f"unknown-{email}")
    await client.auth.sign_out()


async def _refused(client: AsyncClient, email: str) -> None:
    """What an account of one's own may not do, and in which words."""
    await client.auth.sign_in_with_password({"email": email, "password": LATER})
    with pytest.raises(AuthApiError) as same:
        await client.auth.update_user({"password": LATER})
    assert same.value.code == "same_password"
    with pytest.raises(AuthWeakPasswordError) as weak:
        await client.auth.update_user({"password": "abc"})
    assert weak.value.reasons == ["length"]
    with pytest.raises(AuthApiError) as unknown:
        await client.auth.refresh_session("abcdefghijkl")
    assert str(unknown.value.code) == "refresh_token_not_found"
    with pytest.raises(AuthApiError) as nobody:
        await client.auth.sign_in_with_password({"email": f"unknown-{email}", "password": LATER})
    assert nobody.value.code == "invalid_credentials"


async def _elsewhere(client: AsyncClient, url: str, publishable: str, email: str) -> None:
    """Metadata is merged; logging the others out ends the other session and not this one."""
    quiet = AsyncClientOptions(auto_refresh_token=False)
    other = await create_async_client(url, publishable, options=quiet)
    await other.auth.sign_in_with_password({"email": email, "password": LATER})
    signed_in = await client.auth.sign_in_with_password({"email": email, "password": LATER})
    assert signed_in.user
    assert [one.provider for one in signed_in.user.identities or []] == ["email"]
    merged = await client.auth.update_user({"data": {"a": None, "c": 3}})
    assert merged.user.user_metadata.get("c") == 3
    assert "a" not in merged.user.user_metadata
    await client.auth.sign_out({"scope": "others"})
    assert await client.auth.get_user()
    with pytest.raises(AuthApiError) as ended:
        await other.auth.refresh_session()
    assert str(ended.value.code) in ("refresh_token_not_found", "session_not_found")


async def _banned(client: AsyncClient, admin: AsyncClient, user_id: str, email: str) -> None:
    for duration, code in (("24h", "user_banned"), ("none", None)):
        await admin.auth.admin.update_user_by_id(user_id, {"ban_duration": duration})
        if code is None:
            await client.auth.sign_in_with_password({"email": email, "password": LATER})
        else:
            with pytest.raises(AuthApiError) as banned:
                await client.auth.sign_in_with_password({"email": email, "password": LATER})
            assert banned.value.code == code
    await client.auth.sign_out()


asyncio.run(account_lifecycle(*sys.argv[1:5]))
print("done")

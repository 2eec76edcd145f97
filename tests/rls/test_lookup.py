"""The one look-up past row-level security: whose number this is, and the code that proves it."""

import asyncio
import hashlib
from uuid import UUID

import asyncpg
import pytest

from .conftest import SeededDatabase

ASK = "select phone, user_id, confirmed from ava_private.users_for_phones($1, $2)"
NEW = "+5511987654321"


async def ask(seeded: SeededDatabase, *numbers: str, code: str | None = None) -> list[tuple[str, UUID, bool]]:
    """As the gateway asks: logged in as its own role, for this one question as service_role."""
    connection = await asyncpg.connect(seeded.database.url("ava_whatsapp_gateway"))
    try:
        async with connection.transaction():
            await connection.execute("select set_config('role', 'service_role', true)")
            return [tuple(row) for row in await connection.fetch(ASK, list(numbers), code)]
    finally:
        await connection.close()


async def asks_for_code(
    seeded: SeededDatabase,
    who: UUID,
    code: str,
    phone: str = NEW,
    minutes: int = 10,
    proof: str | None = None,
) -> None:
    """As profile writes it for a person who is present."""
    async with seeded.acting_as(seeded.person(who, "ava_profile")) as connection:
        await connection.execute(
            "insert into public.user_preferences as p"
            " (user_id, whatsapp_pending_phone, whatsapp_code_hash, whatsapp_code_expires_at)"
            " values ($1, $2, $3, now() + $4 * interval '1 minute') on conflict (user_id) do update set"
            " whatsapp_pending_phone = excluded.whatsapp_pending_phone,"
            " whatsapp_code_hash = excluded.whatsapp_code_hash,"
            " whatsapp_code_expires_at = excluded.whatsapp_code_expires_at where p.user_id = $1",
            who,
            phone,
            proof or hashlib.sha256(f"{who}:{code}".encode()).hexdigest(),
            minutes,
        )
        await connection.execute("commit")
        await connection.execute("begin")


async def test_a_linked_number_is_found_with_or_without_the_plus_and_nothing_else_is(
    seeded: SeededDatabase,
) -> None:
    digits = seeded.alices_phone.removeprefix("+")
    assert await ask(seeded, digits) == [(seeded.alices_phone, seeded.alice, False)]
    assert await ask(seeded, seeded.alices_phone, digits, "4900000000") == [
        (seeded.alices_phone, seeded.alice, False)
    ]
    assert await ask(seeded, digits[:-1], digits + "0", digits[1:], "%", "", "+") == []
    assert await ask(seeded) == []


async def test_several_candidates_return_every_match_so_that_the_gateway_can_refuse_to_guess(
    seeded: SeededDatabase,
) -> None:
    found = await ask(seeded, seeded.alices_phone, seeded.bobs_phone)
    assert {(phone, who) for phone, who, _ in found} == {
        (seeded.alices_phone, seeded.alice),
        (seeded.bobs_phone, seeded.bob),
    }


async def test_only_service_role_may_ask(seeded: SeededDatabase) -> None:
    sql = "select * from ava_private.users_for_phones(array['4915112345678'])"
    actors = [seeded.actor("authenticator", "anon"), seeded.person(seeded.alice)]
    for service in ("ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway"):
        actors += [
            seeded.actor(service, service),
            seeded.person(seeded.alice, service),
            seeded.delegate(seeded.alice, service),
        ]
    for actor in actors:
        assert await seeded.outcome(actor, sql) == "refused"
    assert await seeded.outcome(seeded.actor("ava_whatsapp_gateway", "service_role"), sql) == "done"


async def test_a_number_waiting_for_its_code_is_not_found(fresh_seeded: SeededDatabase) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    assert await ask(fresh_seeded, NEW) == []
    assert await ask(fresh_seeded, NEW, code="000000") == []


async def test_the_right_code_from_that_phone_links_it_once(fresh_seeded: SeededDatabase) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    assert await ask(fresh_seeded, "4900000000", code="314159") == []
    assert await ask(fresh_seeded, NEW, code="314159") == [(NEW, fresh_seeded.carol, True)]
    assert await ask(fresh_seeded, NEW, code="314159") == [(NEW, fresh_seeded.carol, False)]
    [row] = await fresh_seeded.database.admin(
        "select * from public.user_preferences where user_id = $1", fresh_seeded.carol
    )
    assert row["whatsapp_linked_at"] is not None
    assert (row["whatsapp_pending_phone"], row["whatsapp_code_hash"]) == (None, None)


async def test_an_expired_code_links_nothing(fresh_seeded: SeededDatabase) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159", minutes=0)
    assert await ask(fresh_seeded, NEW, code="314159") == []


async def test_after_five_wrong_codes_the_right_one_is_refused_until_a_new_one_is_asked_for(
    fresh_seeded: SeededDatabase,
) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    for wrong in range(5):
        assert await ask(fresh_seeded, NEW, code=f"00000{wrong}") == []
    assert await ask(fresh_seeded, NEW, code="314159") == []
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "271828")
    assert await ask(fresh_seeded, NEW, code="314159") == []
    assert await ask(fresh_seeded, NEW, code="271828") == [(NEW, fresh_seeded.carol, True)]


async def test_wrong_codes_tried_at_once_are_all_counted(fresh_seeded: SeededDatabase) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    await asyncio.gather(*(ask(fresh_seeded, NEW, code=f"00000{wrong}") for wrong in range(8)))
    assert await ask(fresh_seeded, NEW, code="314159") == []


async def test_a_code_sent_twice_at_once_links_once(fresh_seeded: SeededDatabase) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    answers = await asyncio.gather(*(ask(fresh_seeded, NEW, code="314159") for _ in range(5)))
    assert sorted(confirmed for [(_, _, confirmed)] in answers) == [False] * 4 + [True]


async def test_the_holder_of_the_phone_outranks_a_user_who_only_typed_its_number(
    fresh_seeded: SeededDatabase,
) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159", phone=fresh_seeded.alices_phone)
    assert await ask(fresh_seeded, fresh_seeded.alices_phone) == [
        (fresh_seeded.alices_phone, fresh_seeded.alice, False)
    ]
    assert await ask(fresh_seeded, fresh_seeded.alices_phone, code="314159") == [
        (fresh_seeded.alices_phone, fresh_seeded.carol, True)
    ]
    assert await ask(fresh_seeded, fresh_seeded.alices_phone) == [
        (fresh_seeded.alices_phone, fresh_seeded.carol, False)
    ]


async def test_two_users_waiting_for_one_number_are_told_apart_by_their_codes(
    fresh_seeded: SeededDatabase,
) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.bob, "111111")
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "222222")
    assert await ask(fresh_seeded, NEW, code="222222") == [(NEW, fresh_seeded.carol, True)]
    assert await ask(fresh_seeded, fresh_seeded.bobs_phone) == [
        (fresh_seeded.bobs_phone, fresh_seeded.bob, False)
    ]


async def test_one_users_code_does_not_work_for_another(fresh_seeded: SeededDatabase) -> None:
    bobs = hashlib.sha256(f"{fresh_seeded.bob}:314159".encode()).hexdigest()
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "", proof=bobs)
    assert await ask(fresh_seeded, NEW, code="314159") == []


async def test_linking_by_code_replaces_the_users_old_number(fresh_seeded: SeededDatabase) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.alice, "314159")
    assert await ask(fresh_seeded, NEW, code="314159") == [(NEW, fresh_seeded.alice, True)]
    assert await ask(fresh_seeded, fresh_seeded.alices_phone) == []


@pytest.mark.parametrize("code", ["", " ", "' or true --", "314159\u0661", "x" * 100_000])
async def test_an_unusual_code_is_only_wrong(fresh_seeded: SeededDatabase, code: str) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    assert await ask(fresh_seeded, NEW, code=code) == []


async def test_the_number_of_a_deleted_account_is_not_found(fresh_seeded: SeededDatabase) -> None:
    await fresh_seeded.database.admin("delete from auth.users where id = $1", fresh_seeded.alice)
    assert await ask(fresh_seeded, fresh_seeded.alices_phone) == []


async def test_an_id_links_by_code_alone_and_never_the_number_that_was_typed(
    fresh_seeded: SeededDatabase,
) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159", phone=fresh_seeded.alices_phone)
    assert await ask(fresh_seeded, "DE.1") == []
    assert await ask(fresh_seeded, "DE.1", code="271828") == []
    assert await ask(fresh_seeded, "DE.1", "4900000000", code="314159") == []
    assert await ask(fresh_seeded, "DE.1", code="314159") == [("DE.1", fresh_seeded.carol, True)]
    assert await ask(fresh_seeded, "DE.1", fresh_seeded.alices_phone) == [
        (fresh_seeded.alices_phone, fresh_seeded.alice, False),
        ("DE.1", fresh_seeded.carol, False),
    ]


@pytest.mark.parametrize("other", ["DE", "de.1", "DE.", "D.1", "DE_1", "DE.1'", "DE.\u00e4"])
async def test_what_is_not_an_id_links_nothing(fresh_seeded: SeededDatabase, other: str) -> None:
    await asks_for_code(fresh_seeded, fresh_seeded.carol, "314159")
    assert await ask(fresh_seeded, other, code="314159") == []

"""The one look-up past row-level security: whose number is this, and the code that proves it."""

import asyncio
import hashlib
from uuid import UUID

import asyncpg
import pytest

ASK = "select phone, user_id, confirmed from ava_private.users_for_phones($1, $2)"
NEW = "+5511987654321"


async def ask(town, *numbers: str, code: str | None = None) -> list[tuple[str, UUID, bool]]:
    """As the gateway asks: logged in as its own role, for this one question as service_role."""
    connection = await asyncpg.connect(town.database.url("ava_whatsapp_gateway"))
    try:
        async with connection.transaction():
            await connection.execute("select set_config('role', 'service_role', true)")
            return [tuple(row) for row in await connection.fetch(ASK, list(numbers), code)]
    finally:
        await connection.close()


async def asks_for_code(
    town, who: UUID, code: str, phone: str = NEW, minutes: int = 10, proof: str | None = None
) -> None:
    """As the profile room writes it for a person who is present."""
    async with town.acting_as(town.person(who, "ava_profile")) as connection:
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


async def test_a_linked_number_is_found_with_or_without_the_plus_and_nothing_else_is(town):
    digits = town.alices_phone.removeprefix("+")
    assert await ask(town, digits) == [(town.alices_phone, town.alice, False)]
    assert await ask(town, town.alices_phone, digits, "4900000000") == [
        (town.alices_phone, town.alice, False)
    ]
    assert await ask(town, digits[:-1], digits + "0", digits[1:], "%", "", "+") == []
    assert await ask(town) == []


async def test_several_candidates_show_every_hit_so_that_the_gateway_can_refuse_to_guess(town):
    found = await ask(town, town.alices_phone, town.bobs_phone)
    assert {(phone, who) for phone, who, _ in found} == {
        (town.alices_phone, town.alice),
        (town.bobs_phone, town.bob),
    }


async def test_nobody_but_service_role_may_ask(town):
    sql = "select * from ava_private.users_for_phones(array['4915112345678'])"
    actors = [town.anyone("authenticator", "anon"), town.person(town.alice)]
    for room in ("ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway"):
        actors += [town.anyone(room, room), town.person(town.alice, room), town.delegate(town.alice, room)]
    for actor in actors:
        assert await town.outcome(actor, sql) == "refused"
    assert await town.outcome(town.anyone("ava_whatsapp_gateway", "service_role"), sql) == "done"


async def test_a_number_waiting_for_its_code_is_not_found(own_town):
    await asks_for_code(own_town, own_town.carol, "314159")
    assert await ask(own_town, NEW) == []
    assert await ask(own_town, NEW, code="000000") == []


async def test_the_right_code_from_that_phone_links_it_once(own_town):
    await asks_for_code(own_town, own_town.carol, "314159")
    assert await ask(own_town, "4900000000", code="314159") == []
    assert await ask(own_town, NEW, code="314159") == [(NEW, own_town.carol, True)]
    assert await ask(own_town, NEW, code="314159") == [(NEW, own_town.carol, False)]
    [row] = await own_town.database.admin(
        "select * from public.user_preferences where user_id = $1", own_town.carol
    )
    assert row["whatsapp_linked_at"] is not None
    assert (row["whatsapp_pending_phone"], row["whatsapp_code_hash"]) == (None, None)


async def test_an_expired_code_links_nothing(own_town):
    await asks_for_code(own_town, own_town.carol, "314159", minutes=0)
    assert await ask(own_town, NEW, code="314159") == []


async def test_after_five_wrong_codes_the_right_one_is_refused_until_a_new_one_is_asked_for(own_town):
    await asks_for_code(own_town, own_town.carol, "314159")
    for wrong in range(5):
        assert await ask(own_town, NEW, code=f"00000{wrong}") == []
    assert await ask(own_town, NEW, code="314159") == []
    await asks_for_code(own_town, own_town.carol, "271828")
    assert await ask(own_town, NEW, code="314159") == []
    assert await ask(own_town, NEW, code="271828") == [(NEW, own_town.carol, True)]


async def test_wrong_codes_tried_at_once_are_all_counted(own_town):
    await asks_for_code(own_town, own_town.carol, "314159")
    await asyncio.gather(*(ask(own_town, NEW, code=f"00000{wrong}") for wrong in range(8)))
    assert await ask(own_town, NEW, code="314159") == []


async def test_a_code_sent_twice_at_once_links_once(own_town):
    await asks_for_code(own_town, own_town.carol, "314159")
    answers = await asyncio.gather(*(ask(own_town, NEW, code="314159") for _ in range(5)))
    assert sorted(confirmed for [(_, _, confirmed)] in answers) == [False] * 4 + [True]


async def test_whoever_holds_the_phone_outranks_whoever_only_typed_its_number(own_town):
    await asks_for_code(own_town, own_town.carol, "314159", phone=own_town.alices_phone)
    assert await ask(own_town, own_town.alices_phone) == [(own_town.alices_phone, own_town.alice, False)]
    assert await ask(own_town, own_town.alices_phone, code="314159") == [
        (own_town.alices_phone, own_town.carol, True)
    ]
    assert await ask(own_town, own_town.alices_phone) == [(own_town.alices_phone, own_town.carol, False)]


async def test_two_people_waiting_for_one_phone_are_told_apart_by_their_codes(own_town):
    await asks_for_code(own_town, own_town.bob, "111111")
    await asks_for_code(own_town, own_town.carol, "222222")
    assert await ask(own_town, NEW, code="222222") == [(NEW, own_town.carol, True)]
    assert await ask(own_town, own_town.bobs_phone) == [(own_town.bobs_phone, own_town.bob, False)]


async def test_one_persons_code_is_worth_nothing_for_another(own_town):
    bobs = hashlib.sha256(f"{own_town.bob}:314159".encode()).hexdigest()
    await asks_for_code(own_town, own_town.carol, "", proof=bobs)
    assert await ask(own_town, NEW, code="314159") == []


async def test_linking_by_code_replaces_the_persons_old_number(own_town):
    await asks_for_code(own_town, own_town.alice, "314159")
    assert await ask(own_town, NEW, code="314159") == [(NEW, own_town.alice, True)]
    assert await ask(own_town, own_town.alices_phone) == []


@pytest.mark.parametrize("code", ["", " ", "' or true --", "314159\u0661", "x" * 100_000])
async def test_a_strange_code_is_only_wrong(own_town, code):
    await asks_for_code(own_town, own_town.carol, "314159")
    assert await ask(own_town, NEW, code=code) == []


async def test_a_person_whose_account_is_gone_has_no_number_any_more(own_town):
    await own_town.database.admin("delete from auth.users where id = $1", own_town.alice)
    assert await ask(own_town, own_town.alices_phone) == []

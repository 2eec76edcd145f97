"""People we do not know yet: one polite answer a day, their words held, replayed when they link."""

import hashlib

import pytest

from ava_whatsapp_gateway.housekeeping import tidy

PHONE = "4915112345678"


async def test_a_stranger_gets_one_polite_answer_a_day_and_leaves_nothing_in_any_log(gateway, house, meta):
    await gateway.deliver(meta.text(body="hi"), meta.text(body="anybody?"))
    await gateway.deliver(meta.text(body="hello?"))
    await gateway.drain()
    (polite,) = house.phones[PHONE]
    assert "link" in polite
    assert house.log == []
    assert {state for _, state in await gateway.states()} == {"held"}
    await gateway.pool.execute("update whatsapp.outbox set notice_day = notice_day - 1")
    await gateway.deliver(meta.text(body="next day"))
    await gateway.drain()
    assert len(house.phones[PHONE]) == 2


async def test_linking_replays_what_was_held_in_order_and_once(gateway, house, linked, meta):
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert house.phones[PHONE][1:] == ["one", "two"]
    assert [text for role, text in house.turns(person) if role == "user"] == ["one", "two"]
    await linked(f"+{PHONE}", person)
    await gateway.drain()
    assert len(house.phones[PHONE]) == 3


async def test_who_links_while_the_polite_answer_is_on_its_way_is_answered_too(gateway, house, linked, meta):
    house.after["graph"].append(lambda: linked(f"+{PHONE}"))
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    assert house.phones[PHONE][1:] == ["one"]


async def test_a_number_typed_in_another_national_spelling_is_found(gateway, house, linked, meta):
    await gateway.deliver(meta.text(sender="551187654321", body="oi"))
    await gateway.drain()
    await linked("+5511987654321")
    await gateway.drain()
    assert house.phones["551187654321"][1:] == ["oi"]


async def test_when_both_spellings_are_linked_the_exact_one_wins_and_else_nobody(
    gateway, house, linked, meta
):
    exact = await linked("+525512345678")
    await linked("+5215512345678")
    await gateway.deliver(meta.text(sender="525512345678", body="exact"))
    await gateway.drain()
    assert house.turns(exact)[0] == ("user", "exact")


async def test_what_is_held_too_long_is_deleted_with_its_sender(gateways, house, meta):
    gateway = await gateways(held_days=0.5)
    await gateway.deliver(meta.text())
    await gateway.drain()
    await tidy(gateway.pool, gateway.means.settings)
    assert len(await gateway.states()) == 1
    await _age(gateway, "events", "received_at", "1 day")
    await _age(gateway, "contacts", "first_seen_at", "1 day")
    for _ in range(2):
        await tidy(gateway.pool, gateway.means.settings)
    assert await gateway.states() == []
    assert await gateway.pool.fetchval("select count(*) from whatsapp.contacts") == 0


async def test_raw_deliveries_and_done_events_go_after_their_time_and_dead_ones_never(
    gateway, house, linked, meta
):
    await linked(f"+{PHONE}")
    house.before["graph!"].append((400, {"error": {"code": 131026}}))
    await gateway.deliver(meta.text(body="dead"), meta.text(body="done"))
    await gateway.deliver(raw=b"broken")
    await gateway.drain()
    await _age(gateway, "deliveries", "received_at", "31 days")
    await _age(gateway, "events", "changed_at", "31 days")
    await tidy(gateway.pool, gateway.means.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 0
    assert [state for _, state in await gateway.states()] == ["dead"]


async def _age(gateway, table, column, by):
    await gateway.pool.execute(f"update whatsapp.{table} set {column} = {column} - interval '{by}'")  # noqa: S608


async def test_unlinking_ends_it_at_once_and_another_account_may_take_the_number(
    gateway, house, linked, database, meta
):
    first = await linked(f"+{PHONE}")
    await gateway.deliver(meta.text(body="mine"))
    await gateway.drain()
    await database.admin(
        "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null"
        " where user_id = $1",
        first,
    )
    await gateway.deliver(meta.text(body="whose?"))
    await gateway.drain()
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert ("user", "whose?") not in house.turns(first)
    assert house.turns(second) == [("user", "whose?"), ("assistant", "whose?")]


async def test_deleting_an_account_takes_its_contact_events_and_sends_along(gateway, linked, database, meta):
    person = await linked(f"+{PHONE}")
    await gateway.deliver(meta.text(body="mine"))
    await gateway.drain()
    await database.admin("delete from auth.users where id = $1", person)
    for table in ("contacts", "events", "outbox", "lanes"):
        assert await gateway.pool.fetchval(f"select count(*) from whatsapp.{table}") == 0, table  # noqa: S608


async def test_a_banned_or_deleted_account_is_dead_and_not_retried(gateway, house, linked, meta):
    house.refused.add(await linked(f"+{PHONE}"))
    await gateway.deliver(meta.text())
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["dead"]
    assert house.calls == ["tokens"]


async def test_a_failure_in_our_trigger_never_fails_the_linking(gateway, linked, database):
    await database.admin("alter table whatsapp.contacts rename to elsewhere")
    assert await linked(f"+{PHONE}")


async def test_stale_messages_are_logged_and_not_answered(gateway, house, linked, meta):
    person = await linked(f"+{PHONE}")
    await gateway.deliver(meta.text(body="last week", timestamp="1700000000"), meta.text(body="now"))
    await gateway.drain()
    assert house.phones[PHONE] == ["now"]
    assert house.turns(person)[0] == ("user", "last week")
    assert house.log[0]["created_at"].startswith("2023-11-14")


async def test_what_whatsapp_cannot_show_is_logged_and_not_echoed(gateway, house, linked, meta):
    person = await linked(f"+{PHONE}")
    await gateway.deliver(
        meta.text(type="unsupported", errors=[{"code": 131051}]),
        meta.text(type="reaction", reaction={"message_id": "w", "emoji": "👍"}),
        meta.text(type="image", image={"id": "1", "caption": "my cat"}),
    )
    await gateway.drain()
    assert house.phones[PHONE] == ["[image] my cat"]
    assert [text for role, text in house.turns(person) if role == "user"] == [
        "[a message WhatsApp could not show]",
        "[image] my cat",
    ]


async def test_poisonous_bytes_cost_nobody_anything(gateway, house, linked, meta):
    await linked(f"+{PHONE}")
    poison = meta.text(body="a\x00b\ud800c")
    await gateway.deliver(poison, {"id": "\x00", "type": "text"}, meta.text(body="sibling"))
    await gateway.drain()
    assert house.phones[PHONE] == ["ab�c", "sibling"]
    assert sorted(state for _, state in await gateway.states()) == ["done", "done", "quarantined"]


class TestByCode:
    """WHATSAPP_GATEWAY_LINK_CONFIRMATION=code: the number counts once its code has come from it."""

    @pytest.fixture
    async def asked(self, database):
        person = await database.person()
        digest = hashlib.sha256(f"{person}:12345678".encode()).hexdigest()
        await database.admin(
            "insert into public.user_preferences (user_id, whatsapp_pending_phone, whatsapp_code_hash,"
            " whatsapp_code_expires_at) values ($1, $2, $3, now() + interval '10 minutes')",
            person,
            f"+{PHONE}",
            digest,
        )
        return person

    async def test_the_code_links_once_and_is_no_turn(self, gateways, house, asked, meta):
        gateway = await gateways(link_confirmation="code")
        await gateway.deliver(meta.text(body="before"))
        await gateway.drain()
        await gateway.deliver(meta.text(body="Ava code 12345678"))
        await gateway.drain()
        assert house.turns(asked) == [("user", "before"), ("assistant", "before")]
        assert any("linked now" in text for text in house.phones[PHONE])
        await gateway.deliver(meta.text(body="12345678"))
        await gateway.drain()
        assert house.turns(asked)[2] == ("user", "12345678")

    async def test_a_wrong_code_links_nothing_and_attempts_end(self, gateways, house, asked, meta):
        gateway = await gateways(link_confirmation="code")
        for _ in range(5):
            await gateway.deliver(meta.text(body="Ava code 00000000"))
        await gateway.drain()
        await gateway.deliver(meta.text(body="Ava code 12345678"))
        await gateway.drain()
        assert house.log == []

    async def test_a_code_that_counted_is_no_turn_when_tried_again(self, gateways, house, asked, meta):
        gateway = await gateways(link_confirmation="code")
        house.before["graph!"].append((500, {"error": {"code": 2}}))
        await gateway.deliver(meta.text(body="Ava code 12345678"))
        await gateway.drain()
        assert house.log == []
        assert len(house.phones[PHONE]) == 1

"""People we do not know yet: one polite answer a day, their words held, replayed when they link."""

import hashlib

import pytest

from ava_whatsapp_gateway.queue import maintenance

PHONE = "4915112345678"


async def test_a_stranger_gets_one_polite_answer_a_day_and_leaves_nothing_in_any_log(gateway, peers, meta):
    await gateway.keep(meta.text(body="hi"), meta.text(body="anybody?"))
    await gateway.keep(meta.text(body="hello?"))
    await gateway.drain()
    (polite,) = peers.phones[PHONE]
    assert "link" in polite
    assert peers.log == []
    assert {state for _, state in await gateway.states()} == {"held"}
    await gateway.pool.execute("update whatsapp.outbox set notice_day = notice_day - 1")
    await gateway.keep(meta.text(body="next day"))
    await gateway.drain()
    assert len(peers.phones[PHONE]) == 2


async def test_linking_replays_what_was_held_in_order_and_once(gateway, peers, linked, meta):
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert peers.phones[PHONE][1:] == ["one", "two"]
    assert [text for role, text in peers.turns(person) if role == "user"] == ["one", "two"]
    await linked(f"+{PHONE}", person)
    await gateway.drain()
    assert len(peers.phones[PHONE]) == 3


async def test_who_links_while_the_polite_answer_is_on_its_way_is_answered_too(gateway, peers, linked, meta):
    peers.after["graph"].append(lambda: linked(f"+{PHONE}"))
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    assert peers.phones[PHONE][1:] == ["one"]


async def test_a_number_typed_in_another_national_spelling_is_found(gateway, peers, linked, meta):
    await gateway.keep(meta.text(sender="551187654321", body="oi"))
    await gateway.drain()
    await linked("+5511987654321")
    await gateway.drain()
    assert peers.phones["551187654321"][1:] == ["oi"]


async def test_when_both_spellings_are_linked_the_exact_one_wins_and_else_nobody(
    gateway, peers, linked, meta
):
    exact = await linked("+525512345678")
    await linked("+5215512345678")
    await gateway.keep(meta.text(sender="525512345678", body="exact"))
    await gateway.drain()
    assert peers.turns(exact)[0] == ("user", "exact")


async def test_what_is_held_too_long_is_deleted_with_its_sender(gateways, peers, meta):
    gateway = await gateways(held_days=0.5)
    await gateway.keep(meta.text())
    await gateway.drain()
    await maintenance.apply_retention(gateway.pool, gateway.settings)
    assert len(await gateway.states()) == 1
    await _age(gateway, "events", "received_at", "1 day")
    await _age(gateway, "contacts", "first_seen_at", "1 day")
    for _ in range(2):
        await maintenance.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.states() == []
    assert await gateway.pool.fetchval("select count(*) from whatsapp.contacts") == 0


async def test_raw_deliveries_and_done_events_go_after_their_time_and_dead_ones_never(
    gateway, peers, linked, meta
):
    await linked(f"+{PHONE}")
    peers.before["graph!"].append((400, {"error": {"code": 131026}}))
    await gateway.keep(meta.text(body="dead"), meta.text(body="done"))
    await gateway.keep(raw=b"broken")
    await gateway.drain()
    await _age(gateway, "deliveries", "received_at", "31 days")
    await _age(gateway, "events", "changed_at", "31 days")
    await maintenance.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 0
    assert [state for _, state in await gateway.states()] == ["dead"]


async def _age(gateway, table, column, by):
    await gateway.pool.execute(f"update whatsapp.{table} set {column} = {column} - interval '{by}'")  # noqa: S608


async def test_unlinking_ends_it_at_once_and_another_account_may_take_the_number(
    gateway, peers, linked, database, meta
):
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await database.admin(
        "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null"
        " where user_id = $1",
        first,
    )
    await gateway.keep(meta.text(body="whose?"))
    await gateway.drain()
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert ("user", "whose?") not in peers.turns(first)
    assert peers.turns(second) == [("user", "whose?"), ("assistant", "whose?")]


async def test_deleting_an_account_takes_its_contact_events_and_sends_along(gateway, linked, database, meta):
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await database.admin("delete from auth.users where id = $1", person)
    for table in ("contacts", "events", "outbox", "lanes"):
        assert await gateway.pool.fetchval(f"select count(*) from whatsapp.{table}") == 0, table  # noqa: S608


async def test_a_banned_or_deleted_account_is_dead_and_not_retried(gateway, peers, linked, meta):
    peers.refused.add(await linked(f"+{PHONE}"))
    await gateway.keep(meta.text())
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["dead"]
    assert peers.calls == ["tokens"]


async def test_a_failure_in_our_trigger_never_fails_the_linking(gateway, linked, database):
    await database.admin("alter table whatsapp.contacts rename to elsewhere")
    assert await linked(f"+{PHONE}")


async def test_stale_messages_are_logged_and_not_answered(gateway, peers, linked, meta):
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="last week", timestamp="1700000000"), meta.text(body="now"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["now"]
    assert peers.turns(person)[0] == ("user", "last week")
    assert peers.log[0]["created_at"].startswith("2023-11-14")


async def test_what_whatsapp_cannot_show_is_logged_and_not_echoed(gateway, peers, linked, meta):
    person = await linked(f"+{PHONE}")
    await gateway.keep(
        meta.text(type="unsupported", errors=[{"code": 131051}]),
        meta.text(type="reaction", reaction={"message_id": "w", "emoji": "👍"}),
        meta.text(type="image", image={"id": "1", "caption": "my cat"}),
    )
    await gateway.drain()
    assert peers.phones[PHONE] == ["[image] my cat"]
    assert [text for role, text in peers.turns(person) if role == "user"] == [
        "[a message WhatsApp could not show]",
        "[image] my cat",
    ]


async def test_poisonous_bytes_cost_nobody_anything(gateway, peers, linked, meta):
    await linked(f"+{PHONE}")
    poison = meta.text(body="a\x00b\ud800c")
    await gateway.keep(poison, {"id": "\x00", "type": "text"}, meta.text(body="sibling"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["ab�c", "sibling"]
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

    async def test_the_code_links_once_and_is_no_turn(self, gateways, peers, asked, meta):
        gateway = await gateways(link_confirmation="code")
        await gateway.keep(meta.text(body="before"))
        await gateway.drain()
        await gateway.keep(meta.text(body="Ava code 12345678"))
        await gateway.drain()
        assert peers.turns(asked) == [("user", "before"), ("assistant", "before")]
        assert any("now linked" in text for text in peers.phones[PHONE])
        await gateway.keep(meta.text(body="12345678"))
        await gateway.drain()
        assert peers.turns(asked)[2] == ("user", "12345678")

    async def test_a_wrong_code_links_nothing_and_attempts_end(self, gateways, peers, asked, meta):
        gateway = await gateways(link_confirmation="code")
        for _ in range(5):
            await gateway.keep(meta.text(body="Ava code 00000000"))
        await gateway.drain()
        await gateway.keep(meta.text(body="Ava code 12345678"))
        await gateway.drain()
        assert peers.log == []

    async def test_a_code_that_counted_is_no_turn_when_tried_again(self, gateways, peers, asked, meta):
        gateway = await gateways(link_confirmation="code")
        peers.before["graph!"].append((500, {"error": {"code": 2}}))
        await gateway.keep(meta.text(body="Ava code 12345678"))
        await gateway.drain()
        assert peers.log == []
        assert len(peers.phones[PHONE]) == 1

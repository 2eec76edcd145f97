"""Unlinked senders: one polite answer a day; their messages are held, and handled once they link."""

from . import meta_payloads as meta

PHONE = "4915112345678"


async def test_an_unlinked_sender_gets_one_polite_answer_a_day_and_nothing_is_logged(gateway, peers):
    await gateway.keep(meta.text(body="hi"), meta.text(body="anyone?"))
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


async def test_linking_releases_what_was_held_in_order_and_once(gateway, peers, linked):
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert peers.phones[PHONE][1:] == ["one", "two"]
    assert [text for role, text in peers.turns(person) if role == "user"] == ["one", "two"]
    await linked(f"+{PHONE}", person)
    await gateway.drain()
    assert len(peers.phones[PHONE]) == 3


async def test_a_sender_who_links_while_the_notice_is_being_sent_is_answered_too(gateway, peers, linked):
    peers.after["graph"].append(lambda: linked(f"+{PHONE}"))
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    assert peers.phones[PHONE][1:] == ["one"]


async def test_a_number_typed_in_another_national_spelling_is_found(gateway, peers, linked):
    await gateway.keep(meta.text(sender="551187654321", body="oi"))
    await gateway.drain()
    await linked("+5511987654321")
    await gateway.drain()
    assert peers.phones["551187654321"][1:] == ["oi"]


async def test_when_both_spellings_are_linked_the_exact_one_wins(gateway, peers, linked):
    exact = await linked("+525512345678")
    await linked("+5215512345678")
    await gateway.keep(meta.text(sender="525512345678", body="exact"))
    await gateway.drain()
    assert peers.turns(exact)[0] == ("user", "exact")


async def test_unlinking_takes_effect_at_once_and_another_account_can_link_the_number(
    gateway, peers, linked, database
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

"""What cannot be read: an operator hears of it once, and it is kept until an operator has seen it."""

import pytest
from prometheus_client import REGISTRY

from ava_whatsapp_gateway.queue import maintenance, retention

from . import meta_payloads as meta
from .conftest import Gateway, Operate


def alerts() -> float:
    return REGISTRY.get_sample_value("whatsapp_alerts_total", {"alert": "unreadable"}) or 0


@pytest.fixture
async def unreadable(gateway: Gateway) -> int:
    """A delivery with a person's words in it that no parser reads; its id."""
    await gateway.keep(raw=b'{"text": "a secret word"')
    await gateway.ingest()
    found: int = await gateway.pool.fetchval("select id from whatsapp.deliveries")
    return found


async def test_a_delivery_and_an_update_that_cannot_be_read_are_told_of_once(
    gateway: Gateway, unreadable: int, capsys: pytest.CaptureFixture[str]
) -> None:
    await gateway.keep({"type": "text"}, meta.text())
    await gateway.ingest()
    before = alerts()
    for _ in range(3):
        await maintenance.run(gateway.pool, gateway.settings)
    assert alerts() - before == 2
    told = capsys.readouterr().out
    assert (told.count("delivery.unreadable"), told.count("event.unreadable")) == (1, 1)
    assert "not JSON" in told
    assert "secret word" not in told


async def test_it_is_not_deleted_by_age_before_an_operator_has_looked_at_it(
    gateway: Gateway, unreadable: int, operator: Operate
) -> None:
    aged = "update whatsapp.deliveries set received_at = received_at - interval '100 days'"
    await gateway.pool.execute(aged)
    operator("list", "--deliveries")
    await retention.apply_retention(gateway.pool, gateway.settings)
    operator("show", "--deliveries")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 1
    await gateway.pool.execute("update whatsapp.deliveries set seen_at = seen_at - interval '91 days'")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 0


async def test_it_is_listed_with_its_reason_and_shown_without_words_unless_asked(
    gateway: Gateway, unreadable: int, operator: Operate
) -> None:
    listed = operator("list", "--deliveries")
    assert "error" in listed.splitlines()[0]
    assert "not JSON" in listed
    assert "1 of 1 delivery" in listed
    (shown,) = operator("show", "--delivery", str(unreadable))
    assert (shown["error"], shown["bytes"], "body" in shown) == ("not JSON", 24, False)
    (shown,) = operator("show", "--delivery", str(unreadable), "--words")
    assert shown["body"] == '{"text": "a secret word"'


async def test_bytes_that_are_no_text_can_be_shown(gateway: Gateway, operator: Operate) -> None:
    await gateway.keep(raw=b'{"text": "\xff\x00"}')
    await gateway.ingest()
    (shown,) = operator("show", "--deliveries", "--words")
    assert shown["body"] == '{"text": "\\xff\x00"}'


async def test_it_can_be_deleted_and_nothing_else_with_it(
    gateway: Gateway, unreadable: int, operator: Operate
) -> None:
    await gateway.keep(meta.text())
    await gateway.ingest()
    assert "Say which deliveries" in operator("discard", "--deliveries", status=2)
    assert "1 of 1 delivery would change" in operator("discard", "--since", "1h", "--deliveries", "--dry-run")
    assert "1 of 1 delivery changed" in operator("discard", "--since", "1h", "--deliveries")
    rows = await gateway.pool.fetch("select state from whatsapp.deliveries")
    assert [row["state"] for row in rows] == ["split"]


async def test_an_update_whose_delivery_is_deleted_is_left_alone_and_the_replay_says_so(
    gateway: Gateway, operator: Operate
) -> None:
    await gateway.keep({"type": "text"})
    await gateway.ingest()
    await gateway.pool.execute("delete from whatsapp.deliveries")
    said = operator("replay", "--state", "quarantined")
    assert "its delivery is deleted" in said
    assert "0 of 1 event changed" in said
    assert [state for _, state in await gateway.states()] == ["quarantined"]


async def test_filters_of_events_are_refused_for_deliveries(operator: Operate) -> None:
    assert "Deliveries are selected by" in operator("list", "--deliveries", "--state", "dead", status=2)

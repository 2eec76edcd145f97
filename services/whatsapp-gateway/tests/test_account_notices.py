"""What Meta says about our account: an event, a line and a count each, an alert when someone has to act."""

import json
import re
from typing import Any

import pytest

from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.cloud_api.account_notices import GOOD_NEWS, code_words, is_good_news
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.updates import AccountNotice

from . import meta_payloads as meta

RESTRICTION = {
    "event": "ACCOUNT_RESTRICTION",
    "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}],
}
MONDAY, TUESDAY = 1700000000, 1700086400


def notice(value: Any, field: str = "account_update", time: int | None = MONDAY, account: str = "1") -> bytes:
    """A delivery with one change of a field."""
    entry: dict[str, Any] = {"id": account, "changes": [{"field": field, "value": value}]}
    if time:
        entry["time"] = time
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def errors(*errors: Any, time: int | None = None, number_id: str = meta.NUMBER_ID) -> bytes:
    """A delivery with errors of no message."""
    return notice(
        meta.value(errors=list(errors)) | {"metadata": {"phone_number_id": number_id}}, "messages", time
    )


def noticed(raw: bytes) -> AccountNotice:
    (found,) = parse_updates(raw, meta.NUMBER_ID)
    assert isinstance(found, AccountNotice)
    return found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_update", RESTRICTION),
        ("account_update", {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}}),
        ("account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}),
        ("account_update", {"event": "WHAT_META_INVENTS_NEXT"}),
        ("account_alerts", {"alert_info": {"alert_severity": "WARNING", "alert_type": "OBA_REJECTED"}}),
        ("account_review_update", {"decision": "REJECTED"}),
        ("phone_number_quality_update", {"event": "DOWNGRADE", "current_limit": "TIER_250"}),
        ("phone_number_name_update", {"decision": "DEFERRED"}),
        ("message_template_status_update", {"event": "PAUSED"}),
        ("message_template_quality_update", {"new_quality_score": "RED"}),
        ("template_category_update", {"new_category": "MARKETING"}),
        ("security", {"event": "PIN_CHANGED"}),
        ("business_capability_update", {"max_phone_numbers_per_waba": 2}),
        ("account_update", None),
        ("account_update", [{"event": "APPROVED"}]),
    ],
)
def test_a_notice_that_may_need_someone_is_an_alert(field: str, value: Any) -> None:
    found = noticed(notice(value, field))
    assert (found.kind, found.alert, found.what) == (field, True, code_words(value))


@pytest.mark.parametrize(
    "value",
    [
        {"event": "PARTNER_ADDED"},
        {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}},
        {"decision": "APPROVED", "rejection_reason": "NONE"},
        {"previous_quality_score": "RED", "new_quality_score": "GREEN"},
        {"alert_info": {"alert_severity": "INFORMATIONAL", "alert_type": "OBA_APPROVED"}},
    ],
)
def test_good_news_is_not_an_alert(value: Any) -> None:
    assert is_good_news(value)
    assert not noticed(notice(value)).alert


def test_good_news_are_words_that_meta_documents() -> None:
    assert all(re.fullmatch(r"[A-Z][A-Z_]+", word) for word in GOOD_NEWS)
    assert {"REJECTED", "DISABLE", "RED", "FLAGGED", "PAUSED", "UNKNOWN", ""}.isdisjoint(GOOD_NEWS)


def test_only_metas_own_words_are_told() -> None:
    value = {
        "event": "ACCOUNT_VIOLATION",
        "requested_verified_name": "AVA",
        "display_phone_number": "15550783881",
        "alert_description": "Call us, Bo Ek.",
        "reason": "NONE",
        "more": [{"violation_type": "SCAM"}] * 20,
    }
    assert code_words(value) == "ACCOUNT_VIOLATION SCAM"


def test_the_key_tells_accounts_times_and_values_apart_and_is_the_same_for_a_redelivery() -> None:
    keys = [
        noticed(raw).key
        for raw in (
            notice(RESTRICTION),
            notice(RESTRICTION, time=TUESDAY),
            notice(RESTRICTION, account="2"),
            notice({"event": "ACCOUNT_DELETED"}),
            notice(RESTRICTION, time=None),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert noticed(notice(RESTRICTION)).key == keys[0]


async def test_the_same_restriction_on_another_day_is_another_event(gateway: Any) -> None:
    again = json.dumps(json.loads(notice(RESTRICTION)), indent=1).encode()  # the same update, other bytes
    for raw in (notice(RESTRICTION), notice(RESTRICTION, time=TUESDAY), again):
        await gateway.keep(raw=raw)
    await gateway.ingest()
    rows = await gateway.pool.fetch("select kind, state, reason from whatsapp.events")
    what = "ACCOUNT_RESTRICTION RESTRICTED_BIZ_INITIATED_MESSAGING"
    assert [tuple(row) for row in rows] == [("account_update", "ignored", what)] * 2


async def test_what_has_no_time_is_told_apart_by_the_day_on_which_it_came(gateway: Any) -> None:
    await gateway.keep(raw=errors({"code": 131031}))
    await gateway.ingest()
    await gateway.pool.execute("update whatsapp.deliveries set received_at = received_at - interval '1 day'")
    await gateway.keep(raw=errors({"code": 131031}) + b"\n")
    await gateway.keep(raw=errors({"code": 131031}) + b"\n\n")
    await gateway.pool.execute(
        "update whatsapp.deliveries set received_at = received_at + interval '1 day'"
        " where id in (select unnest(delivery_ids) from whatsapp.arrivals)"
    )
    await gateway.ingest()
    assert len(await gateway.states()) == 2


async def test_each_notice_is_told_once_in_the_log_and_counted(
    run_service: Any, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    async with run_service(settings()) as client:
        before = await samples(client)
        for raw in (
            notice(RESTRICTION),
            notice(RESTRICTION) + b"\n",
            notice({"decision": "APPROVED"}, "account_review_update"),
            errors({"code": 131031, "title": "Account locked"}, {"title": "no code"}),
            errors({"code": 131031}, number_id="999"),
        ):
            await client.post("/webhooks/whatsapp", content=raw, headers=meta.signed(raw))
        counts = {
            'whatsapp_account_notices_total{field="account_update"}': 1,
            'whatsapp_account_notices_total{field="account_review_update"}': 1,
            'whatsapp_account_notices_total{field="errors"}': 3,
            'whatsapp_alerts_total{alert="account_notice"}': 3,
        }

        async def moved() -> bool:
            now = await samples(client)
            return {name: now.get(name, 0) - before.get(name, 0) for name in counts} == counts

        await eventually(moved)
    printed = (line for line in capfd.readouterr().out.splitlines() if '"account.notice"' in line)
    told = [(line["about"], line["what"], line.get("alert", False)) for line in map(json.loads, printed)]
    assert sorted(told) == [
        ("account_review_update", "APPROVED", False),
        ("account_update", "ACCOUNT_RESTRICTION RESTRICTED_BIZ_INITIATED_MESSAGING", True),
        ("errors", "", True),
        ("errors", "131031", False),
        ("errors", "131031", True),
    ]


async def samples(client: Any) -> dict[str, float]:
    text = (await client.get("/metrics")).text
    return {name: float(value) for name, value in re.findall(r"^(whatsapp_\S+) (\S+)$", text, re.M)}

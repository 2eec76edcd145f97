"""`python -m ava_whatsapp_gateway check`: number, token and subscriptions, each ok or refused in words."""

import json
from typing import Any

import pytest

from ava_common.checks import Check
from ava_whatsapp_gateway import check

from .conftest import MakeSettings
from .fake_peers import FakePeers
from .meta_payloads import NUMBER_ID

SCOPES = ["whatsapp_business_messaging", "whatsapp_business_management"]
NUMBER = {"display_phone_number": "+49 1", "verified_name": "Ava", "quality_rating": "GREEN"}
TOKEN = {
    "app_id": "7",
    "expires_at": 0,
    "scopes": SCOPES,
    "granular_scopes": [{"scope": SCOPES[1], "target_ids": ["9"]}],
}
SUBSCRIBED = [{"whatsapp_business_api_data": {"id": "7", "name": "Ava"}}]
WEBHOOK = {
    "object": "whatsapp_business_account",
    "callback_url": "https://ava.example.org/webhooks/whatsapp",
    "fields": [{"name": "messages", "version": "v25.0"}],
}


def answers(
    peers: FakePeers,
    number: Any = NUMBER,
    token: Any = TOKEN,
    subscribed: Any = SUBSCRIBED,
    webhook: Any = WEBHOOK,
) -> None:
    """What Graph answers to the four questions, in their order; a status of its own as a pair."""
    documents = number, {"data": token}, {"data": subscribed}, {"data": [webhook]}
    for document in documents:
        peers.before["number!"].append(document if isinstance(document, tuple) else (200, document))


async def checked(settings: MakeSettings) -> dict[str, Check]:
    told = await check.meta_checks(settings(public_url="https://ava.example.org"))
    return {one.name: one for one in told}


async def test_a_number_that_is_set_up_is_described(settings: MakeSettings, peers: FakePeers) -> None:
    answers(peers)
    found = await checked(settings)
    assert {name for name, one in found.items() if one.result != "ok"} <= {"clock"}
    assert found["Meta"].detail == "+49 1 (Ava), quality GREEN"


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, 190, "refuses WHATSAPP_GATEWAY_ACCESS_TOKEN"),
        (400, 100, "does not know WHATSAPP_GATEWAY_PHONE_NUMBER_ID"),
        (403, 10, "lacks a permission"),
        (403, 200, "lacks a permission"),
        (500, 1, "answers 500"),
    ],
)
async def test_a_refusal_names_the_variable(
    settings: MakeSettings, peers: FakePeers, status: int, code: int, words: str
) -> None:
    answers(peers, number=(status, {"error": {"code": code, "error_subcode": 33}}))
    found = await checked(settings)
    assert found["Meta"].result == "refused"
    assert words in found["Meta"].detail
    assert "a-token-for-the-graph-api" not in found["Meta"].detail


@pytest.mark.parametrize(
    ("changes", "name", "result", "words"),
    [
        ({"number": NUMBER | {"platform_type": "NOT_APPLICABLE"}}, "Meta", "refused", "is not registered"),
        ({"number": NUMBER | {"quality_rating": "RED"}}, "Meta", "note", "quality RED"),
        ({"token": TOKEN | {"scopes": ["business_management"]}}, "token", "refused", "lacks the permission"),
        ({"token": TOKEN | {"expires_at": 1795600000}}, "token", "note", "expires 2026-11-25"),
        ({"subscribed": []}, "subscription", "refused", "no message arrives"),
        ({"webhook": WEBHOOK | {"fields": []}}, "webhook", "refused", "the field messages"),
        ({"webhook": WEBHOOK | {"callback_url": "https://old.example"}}, "webhook", "note", "PUBLIC_URL"),
        ({"webhook": {"object": "user"}}, "webhook", "refused", "the field messages"),
    ],
)
async def test_what_keeps_messages_away_is_told(
    settings: MakeSettings, peers: FakePeers, changes: dict[str, Any], name: str, result: str, words: str
) -> None:
    answers(peers, **changes)
    found = await checked(settings)
    assert found[name].result == result, json.dumps({key: one.detail for key, one in found.items()})
    assert words in found[name].detail


async def test_a_secret_of_another_app_is_told(settings: MakeSettings, peers: FakePeers) -> None:
    answers(peers)
    peers.before["number!"].pop()
    peers.before["number!"].append((400, {"error": {"code": 190}}))
    assert "WHATSAPP_GATEWAY_APP_SECRETS" in (await checked(settings))["webhook"].detail


async def test_graph_that_is_away_is_refused(settings: MakeSettings) -> None:
    [found] = await check.meta_checks(settings(graph_api_url="http://127.0.0.1:9"))
    assert (found.name, found.result) == ("Meta", "refused")
    assert NUMBER_ID not in found.detail

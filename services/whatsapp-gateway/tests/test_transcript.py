"""Every kind of message as text a person can read."""

import pytest

from ava_whatsapp_gateway.cloud_api.transcript import TURN_KINDS, as_text


@pytest.mark.parametrize(
    ("kind", "node", "words"),
    [
        ("text", {"body": "hello"}, "hello"),
        ("image", {"id": "1", "caption": "my cat"}, "[image] my cat"),
        ("image", {}, "[image]"),
        ("audio", {"voice": True}, "[voice message]"),
        ("document", {"filename": "plan.pdf", "caption": "see"}, "[document: plan.pdf] see"),
        ("sticker", {"animated": True}, "[sticker]"),
        (
            "location",
            {"latitude": 52.5, "longitude": 13.4, "name": "Office", "address": "Mitte"},
            "[location Office, Mitte · 52.5, 13.4]",
        ),
        ("location", {"latitude": 52.5, "longitude": 13.4}, "[location 52.5, 13.4]"),
        (
            "contacts",
            [{"name": {"formatted_name": "Bo"}, "phones": [{"phone": "+49 1"}]}, {"phones": [{}]}],
            "[contacts Bo +49 1]",
        ),
        ("interactive", {"type": "button_reply", "button_reply": {"id": "1", "title": "Yes"}}, "Yes"),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"title": "Tea", "description": "green"}},
            "Tea – green",
        ),
        (
            "interactive",
            {"type": "nfm_reply", "nfm_reply": {"response_json": '{"flow_token":"x","name":"Bo"}'}},
            "[form] name: Bo",
        ),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "[1]"}}, "[form] [1]"),
        ("interactive", {"type": "call_permission_reply"}, "[call_permission_reply]"),
        ("button", {"payload": "p", "text": "Stop"}, "Stop"),
        ("order", {"product_items": [{}, {}], "text": "please"}, "[order of 2 products] please"),
    ],
)
def test_each_kind_as_text(kind: str, node: object, words: str) -> None:
    assert as_text(kind, {"type": kind, kind: node}) == words


@pytest.mark.parametrize("kind", [*sorted(TURN_KINDS), "unsupported", "what Meta invents next"])
@pytest.mark.parametrize("node", [None, {}, [], "text", 7, {"body": None}, [None, 1]])
def test_a_message_with_missing_parts_is_text_too(kind: str, node: object) -> None:
    assert as_text(kind, {kind: node}).strip()

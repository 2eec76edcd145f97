"""Every kind of message as text a person can read; `payloads` has more, in whole deliveries."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.transcript import EMPTY, NON_TURN_KINDS, TURN_KINDS, UNREADABLE, as_text
from ava_whatsapp_gateway.cloud_api.updates import Message

from . import meta_payloads as meta

MEDIA = {"image", "video", "document", "sticker", "audio", "voice"}
KINDS = [*sorted(TURN_KINDS), "unsupported", "what Meta invents next"]


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
            "location",
            {"name": "Cafe", "url": "https://cafe.example"},
            "[location Cafe · https://cafe.example]",
        ),
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
        ("button", {"payload": "p", "text": "Stop"}, "Stop"),
        ("order", {"product_items": [{}, {}], "text": "please"}, "[order of 2 products] please"),
        ("order", {"product_items": [], "text": "please"}, "[order] please"),
    ],
)
def test_each_kind_as_text(kind: str, node: object, words: str) -> None:
    assert as_text(kind, {"type": kind, kind: node}) == words


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("node", [None, {}, [], {"body": None}, [None, {}], {"type": "text"}])
def test_a_message_that_holds_nothing_is_never_logged_as_a_bare_tag(kind: str, node: object) -> None:
    (found,) = parse_updates(
        meta.envelope({**meta.text(), "text": node, "type": kind, kind: node}), meta.NUMBER_ID
    )
    assert isinstance(found, Message)
    if kind in MEDIA:
        assert found.words in (f"[{kind}]", f"[{kind} message]")
    elif kind in TURN_KINDS and found.kind == "unsupported":
        assert found.words == EMPTY
    elif kind in TURN_KINDS:
        assert "text" in found.words
    else:
        assert (found.kind, found.words[:-1].startswith(UNREADABLE[:-1])) == ("unsupported", True)


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
LEAVES = st.sampled_from(["tea", "0_Red", "2026-12-01", "Cafe", "a/b"])


def _around(leaf: str, depth: list[int]) -> Any:
    """The leaf inside of lists and objects, in this order."""
    for step in depth:
        leaf = [leaf, None] if step == 0 else {f"key{step}": leaf}  # type: ignore[assignment]
    return leaf


@given(LEAVES, st.lists(st.integers(0, 3), max_size=90), st.booleans())
def test_an_answer_of_a_form_is_in_the_words_wherever_it_stands(
    leaf: str, depth: list[int], in_a_string: bool
) -> None:
    answers = {"question": _around(leaf, depth)}
    reply = {"response_json": json.dumps(answers) if in_a_string else answers}
    assert leaf in as_text("interactive", {"interactive": {"type": "nfm_reply", "nfm_reply": reply}})


@given(st.sampled_from(KINDS), ANSWERS)
def test_any_node_of_any_kind_is_text_that_can_be_stored(kind: str, node: object) -> None:
    words = as_text(kind, {"type": kind, kind: node})
    assert len(words) <= 65536
    assert "\x00" not in words


@given(st.sampled_from(["flag", "product", "quiz_reply", "payment_notification"]), LEAVES)
def test_a_reply_of_a_kind_that_is_not_known_is_logged_with_its_content(kind: str, leaf: str) -> None:
    words = as_text("interactive", {"interactive": {"type": kind, kind: {"chosen": [leaf]}}})
    assert leaf in words
    assert "_" not in words.partition("]")[0]


@pytest.mark.parametrize("seen", ["\U0001fa77", "\U0001faff", "\uf8ff"])
def test_an_emoji_that_is_newer_than_our_tables_is_said(seen: str) -> None:
    assert as_text("text", {"text": {"body": seen}}) == seen
    assert as_text("button", {"button": {"text": seen}}) == seen


def test_what_speaks_about_another_message_is_not_a_turn() -> None:
    for kind in NON_TURN_KINDS:
        (found,) = parse_updates(meta.envelope({**meta.text(), "type": kind, kind: {}}), meta.NUMBER_ID)
        assert isinstance(found, Message)
        assert (found.kind, found.ignored) == (kind, f"not a turn: {kind}")


EDITS: list[tuple[dict[str, Any], str]] = [
    ({"type": "text", "text": {"body": "never mind"}}, "never mind"),
    ({"type": "image", "image": {"caption": "better"}}, "[image] better"),
    ({"type": "text", "text": {"body": " "}}, EMPTY),
    ({"type": "text"}, EMPTY),
]


@pytest.mark.parametrize(("new", "words"), EDITS)
def test_an_edit_names_the_message_and_has_its_new_words(new: dict[str, Any], words: str) -> None:
    edit = {"type": "edit", "edit": {"original_message_id": "wamid.0", "message": new}}
    (found,) = parse_updates(meta.envelope(meta.text() | edit), meta.NUMBER_ID)
    assert isinstance(found, Message)
    assert (found.kind, found.corrects, found.words, found.ignored) == ("edit", "wamid.0", words, "")


def test_a_deletion_names_the_message_and_has_no_words() -> None:
    revoke = {"type": "revoke", "revoke": {"original_message_id": "wamid.0"}}
    (found,) = parse_updates(meta.envelope(meta.text() | revoke), meta.NUMBER_ID)
    assert isinstance(found, Message)
    assert (found.kind, found.corrects, found.words, found.ignored) == ("revoke", "wamid.0", "", "")


@pytest.mark.parametrize(
    "node", [None, [], "x", {"original_message_id": "wamid.0"}, {"message": "x"}, {"message": {}}]
)
def test_an_edit_without_new_words_changes_nothing(node: object) -> None:
    (found,) = parse_updates(meta.envelope(meta.text(type="edit", edit=node)), meta.NUMBER_ID)
    assert isinstance(found, Message)
    assert (found.corrects, found.ignored) == ("", "not a turn: edit")


def test_a_change_in_a_group_or_of_our_own_number_is_ignored() -> None:
    revoke = {"type": "revoke", "revoke": {"original_message_id": "wamid.0"}}
    (found,) = parse_updates(meta.envelope(meta.text(group_id="g") | revoke), meta.NUMBER_ID)
    assert isinstance(found, Message)
    assert found.ignored == "a group message"


def test_a_long_text_is_cut_between_what_a_reader_sees_as_characters() -> None:
    flags = "x" + "\U0001f1e9\U0001f1ea" * 33_000
    words = as_text("text", {"text": {"body": flags}})
    assert (len(words), words[-2:]) == (65535, "\U0001f1e9\U0001f1ea")


AD = {
    "source_url": "https://ads.example/1",
    "source_id": "120200000000000001",
    "source_type": "ad",
    "headline": "Meet Ava",
    "body": "A companion that listens",
    "media_type": "image",
    "image_url": "https://ads.example/1.jpg",
    "ctwa_clid": "ARAkLkA8rmlFeiCktEJQ",
    "welcome_message": {"text": "Hello!"},
}
PRODUCT = {"catalog_id": "194836987003835", "product_retailer_id": "mug-blue"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"referral": AD}, "[from the ad: Meet Ava – A companion that listens – https://ads.example/1]"),
        (
            {"referral": {**AD, "source_type": "post", "body": ""}},
            "[from the post: Meet Ava – https://ads.example/1]",
        ),
        ({"referral": {"body": ["A", "B"]}}, "[from the ad: A, B]"),
        (
            {"context": {"from": "1", "id": "wamid.1", "referred_product": PRODUCT}},
            "[about the product mug-blue]",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["text", "image", "interactive", "unsupported"])
def test_the_ad_that_was_tapped_and_the_product_that_is_asked_about_stand_below_the_words(
    kind: str, more: dict[str, Any], words: str
) -> None:
    said = {"type": kind, "text": {"body": "hi"}, "image": {}, "interactive": {"type": "a", "a": "b"}}
    alone = as_text(kind, said)
    assert as_text(kind, said | more) == f"{alone}\n{words}"


@pytest.mark.parametrize("referral", [{}, None, [], "ad", {"source_id": "1"}])
@pytest.mark.parametrize("context", [{}, {"forwarded": True}, {"referred_product": None}, None, "x"])
def test_where_a_message_came_from_adds_nothing_when_it_says_nothing(
    referral: object, context: object
) -> None:
    assert as_text("text", {"text": {"body": "hi"}, "context": context, "referral": referral}) == "hi"
    assert as_text("text", {"text": {"body": ""}, "referral": AD}) == ""


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"text": {"body": "new"}}, "new"),
        ({"type": None, "image": {"caption": "new"}}, "[image] new"),
        ({"type": "text", "text": {"body": ""}}, EMPTY),
        ("new", "new"),
        (None, ""),
    ],
)
def test_an_edit_is_read_as_a_message_of_its_own_would_be(new: object, words: str) -> None:
    assert as_text("edit", {"edit": {"original_message_id": "wamid.1", "message": new}}) == words

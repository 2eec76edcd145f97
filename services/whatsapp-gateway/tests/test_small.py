"""Back-off, error codes, national spellings, ids and the echo."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ava_whatsapp_gateway import backoff, reply
from ava_whatsapp_gateway.__main__ import DeskSettings
from ava_whatsapp_gateway.graph_codes import CODES, Verdict, verdict
from ava_whatsapp_gateway.graph_versions import days_left
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.turn_ids import new_turn_id
from ava_whatsapp_gateway.variants import variants


@given(st.integers(0, 10_000))
def test_waits_grow_like_metas_with_a_spread_and_an_end(attempt):
    wait = backoff.seconds(attempt)
    meant = min(256, 4 ** min(attempt, 16))
    assert 0.75 * meant <= wait <= 1.25 * meant


def test_retry_after_is_honoured():
    assert backoff.seconds(0, asked=40) == 40


def test_retries_of_many_do_not_meet():
    assert len({backoff.seconds(3) for _ in range(50)}) > 40


def test_no_code_has_two_verdicts():
    assert sum(map(len, CODES.values())) == len(frozenset().union(*CODES.values()))


@pytest.mark.parametrize(
    ("code", "subcode", "transient", "expected"),
    [
        (130429, None, False, Verdict.NUMBER),
        (131056, None, False, Verdict.PAIR),
        (131000, None, False, Verdict.TRANSIENT),
        (190, 463, False, Verdict.CREDENTIAL),
        (215, None, False, Verdict.CREDENTIAL),
        (100, 33, False, Verdict.CREDENTIAL),
        (100, None, False, Verdict.PERMANENT),
        (131047, None, False, Verdict.PERMANENT),
        (132001, None, False, Verdict.PERMANENT),
        (987654, None, False, Verdict.PERMANENT),
        (987654, None, True, Verdict.TRANSIENT),
        (131026, None, True, Verdict.TRANSIENT),
        (None, None, False, Verdict.PERMANENT),
    ],
)
def test_codes_mean_what_the_contract_says(code, subcode, transient, expected):
    assert verdict(code, subcode, transient=transient) is expected


@pytest.mark.parametrize(
    ("digits", "others"),
    [
        ("5511987654321", ("551187654321",)),
        ("551187654321", ("5511987654321",)),
        ("551132345678", ()),  # a Brazilian landline never gets a ninth digit
        ("5215512345678", ("525512345678",)),
        ("525512345678", ("5215512345678",)),
        ("5491123456789", ("541123456789",)),
        ("541123456789", ("5491123456789",)),
        ("4915112345678", ()),
        ("", ()),
    ],
)
def test_national_spellings(digits, others):
    assert variants(digits) == others


@given(st.from_regex(r"[0-9]{3,20}", fullmatch=True))
def test_spellings_point_back_to_each_other(digits):
    for other in variants(digits):
        assert other != digits
        assert digits in variants(other)


def test_ids_made_later_sort_later():
    made = [new_turn_id() for _ in range(5000)]
    assert len(set(made)) == len(made)
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in made)
    assert [one.int >> 64 for one in made] == sorted(one.int >> 64 for one in made)


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [("text", "hello", "hello"), ("unsupported", "[a message]", None), ("text", " ", None)],
)
def test_the_echo(kind, words, expected):
    turn = reply.Turn(uuid4(), None, kind, words, datetime.now(UTC))
    assert reply.answer(turn) == expected


def test_the_end_of_a_graph_version_is_known_in_time():
    assert days_left("v21.0", date(2026, 11, 22)) == 60
    assert days_left("v20.0", date(2026, 11, 22)) < 0
    assert days_left("v99.0", date(2026, 11, 22)) is None


def test_the_examples_database_url_refuses_the_start_and_the_desk():
    placeholder = "postgresql://ava_whatsapp_gateway:change-me@127.0.0.1:5432/postgres"
    for made in (Settings, DeskSettings):
        with pytest.raises(ValidationError, match="placeholder"):
            made(_env_file=None, database_url=placeholder)

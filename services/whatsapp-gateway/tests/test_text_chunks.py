"""Long answers are split where a reader would pause."""

import time
from itertools import accumulate

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.graphemes import boundaries, shorten
from ava_whatsapp_gateway.cloud_api.text_chunks import MAX_CHARACTERS, text_chunks

# Each is seen as one character: flags, families, keycaps, vowel signs, conjuncts, accents, jamo, a prefix.
SEEN_AS_ONE = [
    "\U0001f1e9\U0001f1ea", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "1\ufe0f\u20e3",
    "\U0001f44d\U0001f3fd", "\u0915\u093f", "\u0915\u094d\u0937\u093f", "\u0ba8\u0bbf", "\u0e01\u0e33",
    "e\u0301", "\u1112\u1161\u11ab", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u0600a", "x",
]  # fmt: skip


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(st.text(max_size=400), st.integers(1, 60))
def test_every_chunk_fits_and_nothing_but_white_space_is_lost(text: str, longest: int) -> None:
    found = text_chunks(text, longest)
    assert all(1 <= len(chunk) <= longest for chunk in found)
    assert squeezed("".join(found)) == squeezed(text)


def test_a_short_text_stays_whole_and_an_empty_one_has_no_chunks() -> None:
    assert text_chunks("hello") == ["hello"]
    assert text_chunks("x" * MAX_CHARACTERS) == ["x" * MAX_CHARACTERS]
    assert text_chunks("  \n ") == []


def test_paragraphs_are_preferred_to_sentences_and_sentences_to_words() -> None:
    assert text_chunks("One two. Three\n\nfour five six seven", 24) == [
        "One two. Three",
        "four five six seven",
    ]
    assert text_chunks("One two three. Four five six", 20) == ["One two three.", "Four five six"]
    assert text_chunks("onetwo threefour fivesix", 18) == ["onetwo threefour", "fivesix"]


def test_a_separator_in_the_first_half_is_not_used() -> None:
    assert [len(chunk) for chunk in text_chunks("ab\n\n" + "x" * 50, 20)] == [20, 20, 14 - 1 + 1]


@given(st.lists(st.sampled_from(SEEN_AS_ONE), min_size=1, max_size=60), st.integers(8, 30))
def test_a_chunk_ends_where_a_reader_sees_a_character_end(characters: list[str], longest: int) -> None:
    text = "".join(characters)
    chunks = text_chunks(text, longest)
    assert "".join(chunks) == text
    ends = set(accumulate(len(one) for one in regex.findall(r"\X", text)))
    assert set(accumulate(map(len, chunks))) <= ends


@given(st.lists(st.sampled_from([*SEEN_AS_ONE, " ", ". ", "\n"]), max_size=60), st.integers(8, 30))
def test_a_chunk_never_begins_with_half_a_character(characters: list[str], longest: int) -> None:
    """Also beside white space, which may carry an accent or follow a joiner."""
    for chunk in text_chunks("".join(characters), longest):
        assert regex.match(r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]", chunk) is None, chunk


@pytest.mark.parametrize("odd", ["", "x"])
@pytest.mark.parametrize("one", SEEN_AS_ONE)
def test_thousands_of_them_in_a_row_are_cut_between_two(one: str, odd: str) -> None:
    chunks = text_chunks(odd + one * 5000)
    assert "".join(chunks) == odd + one * 5000
    assert all(chunk.endswith(one) for chunk in chunks)
    assert all(len(chunk) > MAX_CHARACTERS - len(one) for chunk in chunks[:-1])


def test_a_space_that_carries_an_accent_stays_with_it() -> None:
    assert text_chunks("abcdefgh \u0301j", 8) == ["abcdefgh", " \u0301j"]


@given(st.text(max_size=300) | st.lists(st.sampled_from(SEEN_AS_ONE), max_size=400).map("".join))
def test_the_boundaries_are_those_of_unicode_however_long_the_text(text: str) -> None:
    assert boundaries(text) == list(accumulate(len(one) for one in regex.findall(r"\X", text)))


def test_a_shortened_text_ends_with_a_whole_character() -> None:
    assert shorten("ab\U0001f1e9\U0001f1ea", 3) == "ab"
    assert shorten("ab\U0001f1e9\U0001f1ea", 4) == "ab\U0001f1e9\U0001f1ea"
    assert shorten("e" + "\u0301" * 9, 3) == "e\u0301\u0301"


def test_a_text_of_flags_takes_no_more_than_in_proportion_to_its_length() -> None:
    """The library looks back over a whole row of flags at each of them."""
    seconds = []
    for count in (2_000, 16_000):
        started = time.process_time()
        boundaries("\U0001f1e9\U0001f1ea" * count)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 8 * 4 * seconds[0]


def test_a_run_of_accents_longer_than_a_chunk_is_split_all_the_same() -> None:
    assert "".join(text_chunks("a" + "\u0301" * 50, 3)) == "a" + "\u0301" * 50

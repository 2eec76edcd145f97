"""Long answers are split where a reader would pause."""

from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.text_chunks import MAX_CHARACTERS, text_chunks


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


def test_accents_and_emoji_sequences_are_not_split() -> None:
    family = "\U0001f468‍\U0001f469‍\U0001f467"
    for text in ("x" * 8 + family + "y" * 8, "x" * 9 + "é" + "y" * 9):
        assert all(chunk[0] not in "‍́" for chunk in text_chunks(text, 10))


def test_a_run_of_accents_longer_than_a_chunk_is_split_all_the_same() -> None:
    assert "".join(text_chunks("a" + "\u0301" * 50, 3)) == "a" + "\u0301" * 50

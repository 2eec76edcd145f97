"""Long answers are parted where a reader would take a breath."""

from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.text_chunks import MAX_CHARACTERS, text_chunks


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(st.text(max_size=400), st.integers(1, 60))
def test_every_part_fits_and_nothing_but_white_space_is_lost(text, longest):
    found = text_chunks(text, longest)
    assert all(1 <= len(part) <= longest for part in found)
    assert squeezed("".join(found)) == squeezed(text)


def test_a_short_text_stays_whole_and_an_empty_one_is_none():
    assert text_chunks("hello") == ["hello"]
    assert text_chunks("x" * MAX_CHARACTERS) == ["x" * MAX_CHARACTERS]
    assert text_chunks("  \n ") == []


def test_a_paragraph_is_a_better_seam_than_a_sentence_and_that_than_a_word():
    assert text_chunks("One two. Three\n\nfour five six seven", 24) == [
        "One two. Three",
        "four five six seven",
    ]
    assert text_chunks("One two three. Four five six", 20) == ["One two three.", "Four five six"]
    assert text_chunks("onetwo threefour fivesix", 18) == ["onetwo threefour", "fivesix"]


def test_a_seam_in_the_first_half_would_make_parts_too_short():
    assert [len(part) for part in text_chunks("ab\n\n" + "x" * 50, 20)] == [20, 20, 14 - 1 + 1]


def test_accents_and_emoji_sequences_are_not_torn():
    family = "\U0001f468‍\U0001f469‍\U0001f467"
    for text in ("x" * 8 + family + "y" * 8, "x" * 9 + "é" + "y" * 9):
        assert all(part[0] not in "‍́" for part in text_chunks(text, 10))


def test_a_part_shorter_than_a_pile_of_accents_still_ends():
    assert "".join(text_chunks("a" + "\u0301" * 50, 3)) == "a" + "\u0301" * 50

"""What is copied wrongly is told in words, before a peer could only say that it refuses it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ava_common.setting_types import ApiKey


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("Bearer 0123456789abcdef", "begins with Bearer"),
        ("bearer 0123456789abcdef", "begins with Bearer"),
        ("0123456789 abcdef", "a space, a quote or a line break"),
        ("0123456789abcdef\n", "a space, a quote or a line break"),
        ("'0123456789abcdef'", "a space, a quote or a line break"),
        ('"0123456789abcdef', "a space, a quote or a line break"),
        ("0123456789abcdef\N{ZERO WIDTH SPACE}", "a space, a quote or a line break"),
        ("change-me-0123456789", "placeholder"),
        ("0123", "is shorter than 16"),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused(value: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint) as refused:
        TypeAdapter(ApiKey).validate_python(value)
    assert "0123456789" not in str(refused.value.errors(include_input=False, include_url=False))
    assert TypeAdapter(ApiKey).validate_python("EAAG0123.456_789-abc~").get_secret_value()[:4] == "EAAG"

"""What is wrong with a value is said in our words: no sentence of the validation library gets through."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core.core_schema import ErrorType

from ava_common.validation_messages import Matches, message


class Colour(StrEnum):
    red = "red"
    blue = "blue"


class Everything(BaseModel):
    """One field for every constraint that a service may use."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=3)] = "x"
    word: Annotated[str, Field(min_length=2)] = "xx"
    secret: Annotated[SecretStr, Field(min_length=1, max_length=3)] = SecretStr("x")
    code: Annotated[str, Matches("^[A-Z]{2}$", "must be two capitals")] = "DE"
    raw: Annotated[str, Field(pattern="^a+$")] = "a"
    number: Annotated[int, Field(ge=20, le=150)] = 20
    ratio: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = False
    colour: Colour = Colour.red
    order: Literal["newest", "oldest"] = "newest"
    id: UUID = UUID(int=0)
    at: datetime | None = None
    zoned: AwareDatetime | None = None
    items: Annotated[list[int], Field(min_length=2, max_length=3)] = Field(default_factory=lambda: [1, 2])
    inner: dict[str, int] = Field(default_factory=dict)
    needed: int

    @field_validator("text")
    @classmethod
    def _no_z(cls, value: str) -> str:
        if value == "z":
            raise ValueError("must not be z")
        return value


WORDS: list[tuple[dict[str, Any], str]] = [
    ({"text": ""}, "must not be empty"),
    ({"text": "abcd"}, "must have at most 3 characters"),
    ({"text": 5}, "must be text"),
    ({"text": "z"}, "must not be z"),
    ({"word": "x"}, "must have at least 2 characters"),
    ({"secret": ""}, "must not be empty"),
    ({"secret": "abcd"}, "must have at most 3 characters"),
    ({"code": "de"}, "must be two capitals"),
    ({"code": "DE\n"}, "must be two capitals"),
    ({"raw": "b"}, "does not have the expected format"),
    ({"number": 19}, "must be at least 20"),
    ({"number": 151}, "must be at most 150"),
    ({"number": "many"}, "must be a whole number"),
    ({"number": 20.5}, "must be a whole number"),
    ({"ratio": 0}, "must be greater than 0.0"),
    ({"ratio": 1}, "must be less than 1.0"),
    ({"ratio": "half"}, "must be a number"),
    ({"flag": "perhaps"}, "must be true or false"),
    ({"colour": "green"}, "must be 'red' or 'blue'"),
    ({"order": "random"}, "must be 'newest' or 'oldest'"),
    ({"id": "1"}, "must be a UUID, like 0193b2a4-7c1e-7d3a-9f00-5a1c2b3d4e5f"),
    ({"at": "soon"}, "must be a date and a time with a time zone, like 2026-11-22T14:00:00Z"),
    ({"zoned": "2026-11-22T14:00:00"}, "must name a time zone, like 2026-11-22T14:00:00Z"),
    ({"items": [1]}, "must have at least 2 items"),
    ({"items": [1, 2, 3, 4]}, "must have at most 3 items"),
    ({"items": 1}, "must be a list"),
    ({"inner": []}, "must be an object"),
    ({"unknown": 1}, "is not a known field; remove it or check its spelling"),
    ({"needed": ...}, "is required"),
]


@pytest.mark.parametrize(("wrong", "words"), WORDS)
def test_each_constraint_is_explained_in_our_own_words(wrong: dict[str, Any], words: str) -> None:
    given = {name: value for name, value in ({"needed": 1} | wrong).items() if value is not ...}
    with pytest.raises(ValidationError) as refused:
        Everything.model_validate(given)
    assert [message(error) for error in refused.value.errors()] == [words]


@pytest.mark.parametrize("kind", sorted(set(get_args(ErrorType)) - {"value_error"}))
def test_the_library_is_never_quoted(kind: str) -> None:
    context = dict.fromkeys(("gt", "ge", "lt", "le", "min_length", "max_length", "expected"), 1)
    words = message({"type": kind, "msg": "Input should be LIBRARY", "ctx": context})
    assert "LIBRARY" not in words
    assert words[0].islower()


def test_a_pattern_is_in_the_description() -> None:
    assert Everything.model_json_schema()["properties"]["code"]["pattern"] == "^[A-Z]{2}$"

"""What is wrong with a value, in our own words for each constraint: a library's English reaches no one.

Decision 0090.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from pydantic_core.core_schema import ErrorType

_LIBRARY_TYPES = frozenset(get_args(ErrorType))
_COLLECTIONS = frozenset({"List", "Tuple", "Set", "Frozenset", "Dictionary"})

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a known field; remove it or check its spelling",
    "string_type": "must be text",
    "string_pattern_mismatch": "does not have the expected format",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "list_type": "must be a list",
    "timezone_aware": "must name a time zone, like 2026-11-22T14:00:00Z",
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "must be an object"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "must be a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(
        ("uuid_type", "uuid_parsing", "uuid_version"),
        "must be a UUID, like 0193b2a4-7c1e-7d3a-9f00-5a1c2b3d4e5f",
    ),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"),
        "must be a date and a time with a time zone, like 2026-11-22T14:00:00Z",
    ),
}


def message(error: Mapping[str, Any]) -> str:
    """The words for one of pydantic's errors (an item of `errors()`), a clause to follow the field's name.

    The words of our own validators (ValueError, PydanticCustomError) are passed on as they are.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    if kind not in _LIBRARY_TYPES:
        return str(error["msg"])
    if kind in ("too_short", "string_too_short"):
        return _at_least(context)
    if kind in ("too_long", "string_too_long"):
        return f"must have at most {context['max_length']} {_unit(context)}"
    return _WORDS.get(kind, "is not valid").format(**context)


def _at_least(context: Mapping[str, Any]) -> str:
    shortest = context["min_length"]
    return "must not be empty" if shortest == 1 else f"must have at least {shortest} {_unit(context)}"


def _unit(context: Mapping[str, Any]) -> str:
    return "items" if context.get("field_type") in _COLLECTIONS else "characters"


@dataclass(frozen=True)
class Matches:
    """`Annotated[str, Matches("^…$", words)]`: a pattern in the description, words when it is not met.

    `words` are a clause to follow the field's name, such as "must be a two-character country code, like DE".
    """

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern.removeprefix("^").removesuffix("$"), value):
            raise PydanticCustomError("pattern", "{words}", {"words": self.words})
        return value

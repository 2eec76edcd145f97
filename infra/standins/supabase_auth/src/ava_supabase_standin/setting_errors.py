"""What is wrong with a variable, in words: the validation library's own reach no one."""

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "missing": "is required",
    **dict.fromkeys(("too_short", "string_too_short"), "must not be empty"),
    "string_pattern_mismatch": "does not have the expected format ({pattern})",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    **dict.fromkeys(("int_parsing", "int_parsing_size", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_parsing", "finite_number"), "must be a number"),
    "bool_parsing": "must be true or false",
}


def line(prefix: str, error: Mapping[str, Any]) -> str:
    """One item of pydantic's `errors()` as `VARIABLE: what is wrong`; never the value: it may be secret."""
    if error["type"] == "value_error":
        words = str(error["msg"]).removeprefix("Value error, ")
    else:
        words = _WORDS.get(error["type"], "is not valid").format(**error.get("ctx", {}))
    name = "_".join(str(part) for part in error["loc"]).upper()
    return f"{prefix}{name}: {words}" if name else words

"""Write any JSON value as words: nothing of a person's answer is left out because of its type.

Decision 0099.
"""

from collections.abc import Iterable
from typing import Any

from ava_whatsapp_gateway.cloud_api.graphemes import VISIBLE
from ava_whatsapp_gateway.cloud_api.lenient_json import Json, Unreadable, dump, text

_LEVELS = 60


def readable(value: object, levels: int = _LEVELS) -> str:
    """The value in words; empty when it holds nothing: null, an empty text, list or object, or only such."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not levels and isinstance(value, list | dict):
        return _written(value)
    if isinstance(value, list):
        return joined(", ", (_inner(item, levels) for item in value))
    if isinstance(value, dict):
        return joined("; " if levels == _LEVELS else ", ", _fields(value, levels))
    found = text(value).strip()
    return found if VISIBLE.search(found) else ""


def items(value: object) -> list[Any]:
    """The list; of one thing where a list is usual, a list of that."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def joined(separator: str, parts: Iterable[str]) -> str:
    """The parts that are not empty."""
    return separator.join(filter(None, parts))


def tagged(tag: str, value: object) -> str:
    """The value in words behind a tag that says what it is; empty when it holds nothing."""
    words = readable(value)
    return f"[{tag.replace('_', ' ')}] {words}" if words else ""


def without(value: Any, *names: str) -> Any:
    """The object without these keys; what is not an object stays."""
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if key not in names}


def _fields(value: Json, levels: int) -> Iterable[str]:
    """Each key with its value; a file is only named, because a reader cannot use its hash and its id."""
    if name := readable(value.get("file_name")):
        return [name]
    return (_answer(text(key).strip(), _inner(item, levels)) for key, item in value.items())


def _answer(key: str, words: str) -> str:
    return joined(": ", [key, words]) if words else ""


def _written(value: object) -> str:
    """The JSON itself, for what is nested deeper than anyone reads."""
    try:
        return text(dump(value).decode())
    except Unreadable:
        return "…"


def _inner(item: Any, levels: int) -> str:
    words = readable(item, levels - 1)
    return f"({words})" if words and isinstance(item, dict) and "file_name" not in item else words

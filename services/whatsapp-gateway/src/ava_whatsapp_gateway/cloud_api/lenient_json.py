"""Lenient readers of foreign JSON that never raise: what is not as expected reads as empty.

Decision 0099. See docs/contracts/postgres.md#characters-it-cannot-store.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import Any
from uuid import UUID

from ava_whatsapp_gateway.cloud_api.graphemes import shorten

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Whole strings only: a number that is mentioned in a text is none. Ten digits that begin with 1 are a moment.
_NAME = re.compile(
    rb'"(?:(wamid\.[!#-~]{1,255})|\+?(?!1[0-9]{9}")([0-9]{5,15})|([A-Z]{2}\.[.0-9A-Za-z]{1,132}))(?=")'
)
# Our own: each delivery has the number, its id and the account's, and nobody is found by them.
_OURS = re.compile(
    rb'"(?:display_phone_number|phone_number_id)":\s*"\+?([0-9]+)"|\{"id":\s*"([0-9]+)",\s*"changes":'
)

_INTEGER = re.compile("-?[0-9]{1,10}")
_NOT_READ = {json.JSONDecodeError: "not JSON", UnicodeDecodeError: "not UTF-8"}

Json = dict[str, Any]


class Unreadable(Exception):
    """These bytes are not a JSON object with entries."""


def parse(body: bytes) -> Json:
    """The JSON object in these bytes. Raises Unreadable for anything else.

    As a whole, because no sibling can be told apart: a byte that is not UTF-8, about a thousand levels,
    an integer of more than 4,300 digits.
    """
    try:
        found = json.loads(body)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError as error:
        raise Unreadable(_NOT_READ.get(type(error), "a number of too many digits")) from None
    if not isinstance(found, dict):
        raise Unreadable(f"a JSON {type(found).__name__}")
    return found


def embedded(value: object) -> Any:
    """The JSON inside a string; any other value, and a string without JSON, is returned as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def dump(value: object) -> bytes:
    """The value as ASCII JSON: what PostgreSQL's text type refuses stays escaped.

    Raises Unreadable for what is nested too deeply: whatever stood for it could be taken for another.
    """
    try:
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    except RecursionError:  # fewer levels are left here than where it was parsed
        raise Unreadable("nested too deeply") from None


def text(value: object, longest: int = 65536) -> str:
    """A string without NUL and lone surrogates, which PostgreSQL refuses; numbers as digits; else empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    found = value if isinstance(value, str) else _numeral(value)
    found = _UNSTORABLE.sub(lambda hit: "" if hit[0] == "\x00" else "�", found)
    return found if len(found) <= longest else shorten(found, longest)


def _numeral(value: float) -> str:
    """Digits without an exponent; empty for what is not a number and for thousands of digits."""
    try:
        if isinstance(value, int):
            return str(value)
        return format(Decimal(repr(value)), "f") if isfinite(value) else ""
    except ValueError:
        return ""


def integer(value: object) -> int | None:
    """An error code or the like, as a number or as digits in a string; None when it does not fit an int4."""
    found = _INTEGER.fullmatch(text(value, 12))
    return int(found[0]) if found and abs(int(found[0])) < 2**31 else None


def find(value: Any, *path: str | int) -> Any:
    """What stands under these keys and positions; None when anything on the way is not as expected."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def sequence(value: object) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    found = pattern.fullmatch(text(value, 160))
    return found[1] if found else None


digits = partial(_matching, re.compile(r"\+?([0-9]{3,20})"))
"""The number without its plus sign, or None."""

bsuid = partial(_matching, re.compile(r"([A-Z]{2}\.(?:ENT\.)?[0-9A-Za-z]{1,128})"))
"""The business-scoped id, or None."""


def timestamp(value: object) -> datetime | None:
    """Meta's timestamp: seconds as a string, now and then milliseconds; None when it is nonsense."""
    seconds = int(digits(value) or 0)
    seconds = seconds // 1000 if seconds >= 10**12 else seconds
    return datetime.fromtimestamp(seconds, UTC) if 10**9 <= seconds < 10**11 else None


def send_id(value: object) -> UUID | None:
    try:
        return UUID(text(value, 64))
    except ValueError:
        return None


def names_in(raw: bytes) -> list[str]:
    """Message ids, numbers and business-scoped ids, to find this when an account is deleted.

    Each once; a number without its plus sign. As whatsapp.names_in in SQL.
    """
    found = _NAME.finditer(raw.replace(b"\\/", b"/"))
    return sorted({(name[1] or name[2] or name[3]).decode() for name in found})


def name_hashes_in(raw: bytes) -> list[int]:
    """The hashes of the names in it, without our own."""
    ours = {(name[1] or name[2]).decode() for name in _OURS.finditer(raw)}
    return [name_hash(name) for name in names_in(raw) if name not in ours]


def name_hash(name: str) -> int:
    """What an index has in a name's place. As whatsapp.name_hashes in SQL."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def item_digest(item: object) -> str:
    return "sha256:" + hashlib.sha256(dump(item)).hexdigest()

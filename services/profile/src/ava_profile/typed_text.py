"""What people type or paste where a phone number is asked for, as far as it can be told without its country.

Decision 0098.
"""

import re
import unicodedata
from urllib.parse import parse_qsl, unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberType

from ava_common.numbering_plans import CHANGES

_INVISIBLE = {"Cf", "Mn", "Me"}
"""Unicode categories of marks that copying brings along: directions, joiners, the box of a keycap."""
_SCHEME = re.compile(r"\s*(?:tel|phone|whatsapp):(?!//)\s*", re.IGNORECASE)
_CALLING_ABROAD = re.compile(r"[\s(\[]*00[\s).\]-]*")
_LINK = re.compile(
    r"""[\s<(]*(?:https?://)?(?:www\.)?
    (?:wa\.me/|(?:(?:api|web)\.)?whatsapp\.com/|whatsapp://)
    (?P<path>[^?#&]*)\??(?P<query>[^#]*)(?:\#.*)?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_OTHER_LINK = re.compile(r"[\s<(]*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NUMBER_IN_LINK = re.compile(r"[\s+]*([0-9][0-9\s().-]*)(?:[/>)].*)?", re.DOTALL)
_UNREADABLE = re.compile(
    r"""[^0-9+]*(?:[^\W\d_][0-9]  # I51 for 151
    |[0-9+].*(?:[^\W\d_]        # 15l for 151
    |[*~_?\u2022]|[.]{2}|[\u2010-\u2015-]{2}))  # 15*, 15...1: not all digits are told""",
    re.VERBOSE | re.DOTALL,
)
_PUNCTUATION = re.compile(r"[\s().\[\]/\u2010-\u2015-]")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def plain(typed: str) -> str:
    """ASCII digits and plus signs for those of other scripts and widths, and no invisible marks."""
    compatible = unicodedata.normalize("NFKC", typed).replace("\N{HEAVY PLUS SIGN}", "+")
    seen = (character for character in compatible if unicodedata.category(character) not in _INVISIBLE)
    text = "".join(str(unicodedata.decimal(character, character)) for character in seen)
    return _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text


def is_readable(text: str) -> bool:
    """False where reading it would drop a digit: O typed or recognised for 0, or a masked number."""
    return not _UNREADABLE.match(text)


def number_of_link(text: str) -> str | None:
    """The number in a link such as wa.me/4915112345678, with a plus sign; None for what is not a link.

    A link without a number (`wa.me/message/…`), with several or to elsewhere gives a text that is none.
    """
    found = _LINK.fullmatch(text) or _LINK.fullmatch(unquote(text))
    if not found:
        return "-" if _OTHER_LINK.match(text) else None
    # The query is taken apart before it is decoded: a text to be sent may hold anything.
    written = [value for name, value in parse_qsl(found["query"]) if name.lower() == "phone"]
    if not re.fullmatch("send/?", found["path"], re.IGNORECASE):
        written = [unquote(found["path"])]
    numbers = {
        number and re.sub(r"[^0-9]", "", number[1]) for number in map(_NUMBER_IN_LINK.fullmatch, written)
    }
    digits = (numbers.pop() or "").removeprefix("00") if len(numbers) == 1 else ""
    return f"+{digits}" if digits else "-"


def with_plus(text: str) -> str:
    """`0049…` is how most of the world dials abroad."""
    return _CALLING_ABROAD.sub("+", text, count=1) if _CALLING_ABROAD.match(text) else text


def without_plus(text: str) -> str | None:
    """The text with the plus sign that it lacks, if it is a mobile number and can be read in no other way."""
    digits = _PUNCTUATION.sub("", text)
    if not re.fullmatch(r"[1-9][0-9]{7,14}", digits) or not _is_mobile(digits):
        return None
    national = any(_is_mobile_in(region, digits) for region in phonenumbers.SUPPORTED_REGIONS)
    return None if national else f"+{digits}"


def _is_mobile(digits: str) -> bool:
    today = next((now for change in CHANGES if (now := change.to_current(digits))), digits)
    try:
        return phonenumbers.number_type(phonenumbers.parse(f"+{today}")) in _MOBILE
    except NumberParseException:
        return False


def _is_mobile_in(region: str, digits: str) -> bool:
    """Whether people in this country may write one of their own mobile numbers like that."""
    country = PhoneMetadata.metadata_for_region(region)
    pattern = country and country.mobile and country.mobile.national_number_pattern
    return bool(pattern and re.fullmatch(pattern, digits))

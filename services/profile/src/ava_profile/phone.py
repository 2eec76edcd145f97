"""Phone numbers: any usual spelling in, E.164 out.

Decisions 0070 and 0098. See docs/contracts/whatsapp-cloud-api.md#national-spellings.
"""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from ava_common.numbering_plans import CHANGES
from ava_common.problems import Problem
from ava_profile.typed_text import is_readable, number_of_link, plain, with_plus, without_plus

MIN_DIGITS = 6  # of something that may be a number without its country code
E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_MEXICO_UNTIL_2019 = re.compile(r"\+52(?:01|044|045)([2-9][0-9]{9})")
"""What was dialled inside of Mexico before a mobile's ten digits."""


class NotAPhoneNumber(Problem):
    """This is not a valid phone number. Write it with its country code, for example +49 151 12345678."""

    status = 422

    def __init__(self) -> None:
        super().__init__(errors=[{"pointer": "#/phone", "detail": "is not a valid phone number"}])


class CountryMissing(Problem):
    """This number has no country code. Start it with + and the code, or name the country in `region`."""

    status = 422

    def __init__(self) -> None:
        super().__init__(errors=[{"pointer": "#/phone", "detail": "has no country code"}])


def to_e164(spelling: str, region: str | None = None) -> str:
    """The E.164 form of `spelling`, as it is dialled today; also of a link that WhatsApp shows.

    `region` (ISO 3166, like `DE`) reads a number without country code. Digits without a plus sign that are a
    mobile number with a country code and in no country one without are read so, unless the region reads
    them and they do not begin with its code.
    Judges the length only, not whether the range is in service: numbering plans change faster than any
    copy of them, and refusing a real number is worse than accepting a mistyped one.
    Raises NotAPhoneNumber or CountryMissing (422).
    """
    text = plain(spelling)
    if linked := number_of_link(text):
        return _read(linked, None)
    if not is_readable(text):
        raise NotAPhoneNumber
    international = without_plus(text)
    if international and _is_of(region, international):
        return _read(international, None)
    try:
        return _read(text if region else with_plus(text), region)
    except (NotAPhoneNumber, CountryMissing):
        if (other := international or with_plus(text)) != text:
            return _read(other, None)
        raise


def _is_of(region: str | None, international: str) -> bool:
    code = phonenumbers.country_code_for_region(region.upper()) if region else 0
    return bool(code) and international.startswith(f"+{code}")


def _read(text: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(text, region and region.upper())
        written, today = _settled(number)
    except NumberParseException as error:
        raise (CountryMissing if _only_lacks_its_country(text, error) else NotAPhoneNumber) from None
    possible = phonenumbers.is_possible_number_with_reason(today) == ValidationResult.IS_POSSIBLE
    if not possible or number.extension or not E164.fullmatch(written):
        raise NotAPhoneNumber
    return written


def _settled(number: PhoneNumber) -> tuple[str, PhoneNumber]:
    """The form that is read as itself, and what it is read as.

    Reading takes one trunk zero off, and some numbers are typed with two.
    """
    written, before = _as_dialled_today(phonenumbers.format_number(number, PhoneNumberFormat.E164)), ""
    while written != before:
        before, number = written, phonenumbers.parse(written)
        written = _as_dialled_today(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    return written, number


def _as_dialled_today(written: str) -> str:
    """One number has one form, so that a taken one cannot be linked again in an older spelling."""
    written = _MEXICO_UNTIL_2019.sub(r"+52\1", written)
    changed = (change.to_current(written.removeprefix("+")) for change in CHANGES)
    return next((f"+{digits}" for digits in changed if digits), written)


def _only_lacks_its_country(text: str, error: NumberParseException) -> bool:
    digits = sum(character.isdigit() for character in text)
    unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
    return unknown and "+" not in text and digits >= MIN_DIGITS

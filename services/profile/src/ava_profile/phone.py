"""Phone numbers: any usual spelling in, E.164 out.

Decision 0070. See docs/contracts/whatsapp-cloud-api.md#national-spellings.
"""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from ava_common.problems import Problem

MIN_DIGITS = 6  # of something that may be a number without its country code
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


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
    """The E.164 form of `spelling`; `region` (ISO 3166, like `DE`) reads a number without country code.

    Judges the length only, not whether the range is in service: numbering plans change faster than any
    copy of them, and refusing a real number is worse than accepting a mistyped one.
    Raises NotAPhoneNumber or CountryMissing (422).
    """
    try:
        number = phonenumbers.parse(_with_plus(spelling, region), region and region.upper())
    except NumberParseException as error:
        raise (CountryMissing if _only_lacks_its_country(spelling, error) else NotAPhoneNumber) from None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not possible or number.extension or not E164.fullmatch(written):
        raise NotAPhoneNumber
    return written


def _only_lacks_its_country(spelling: str, error: NumberParseException) -> bool:
    digits = sum(character.isdigit() for character in spelling)
    unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
    return unknown and "+" not in spelling and digits >= MIN_DIGITS


def _with_plus(spelling: str, region: str | None) -> str:
    """`0049…` is how most of the world dials abroad; where a region is named, its own prefix counts."""
    return spelling if region else re.sub(r"^[\s(]*00\s*", "+", spelling)

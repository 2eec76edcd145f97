"""Error codes of the Graph API mean what the contract says.

See docs/contracts/whatsapp-cloud-api.md#error-codes.
"""

import pytest

from ava_whatsapp_gateway.cloud_api.errors import CODES, Verdict, verdict


def test_no_code_has_two_verdicts() -> None:
    assert sum(map(len, CODES.values())) == len(frozenset().union(*CODES.values()))


@pytest.mark.parametrize(
    ("code", "subcode", "transient", "expected"),
    [
        (130429, None, False, Verdict.NUMBER),
        (131056, None, False, Verdict.PAIR),
        (131000, None, False, Verdict.TRANSIENT),
        (190, 463, False, Verdict.CREDENTIAL),
        (215, None, False, Verdict.CREDENTIAL),
        (100, 33, False, Verdict.CREDENTIAL),
        (100, None, False, Verdict.PERMANENT),
        (131047, None, False, Verdict.PERMANENT),
        (132001, None, False, Verdict.PERMANENT),
        (987654, None, False, Verdict.PERMANENT),
        (987654, None, True, Verdict.TRANSIENT),
        (131026, None, True, Verdict.TRANSIENT),
        (None, None, False, Verdict.PERMANENT),
    ],
)
def test_codes_mean_what_the_contract_says(
    code: int | None, subcode: int | None, transient: bool, expected: Verdict
) -> None:
    assert verdict(code, subcode, transient=transient) is expected

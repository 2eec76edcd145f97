"""The error codes of the Graph API and what to do after each; an unlisted code is permanent.

See docs/contracts/whatsapp-cloud-api.md#error-codes.
"""

from enum import StrEnum


class Verdict(StrEnum):
    """What to do after a call that was provably not accepted."""

    NUMBER = "number"  # pause the whole number and try again
    PAIR = "pair"  # send nothing to this one person for a while
    TRANSIENT = "transient"  # try again, a bounded number of times
    CREDENTIAL = "credential"  # nothing will work until the owner fixes it
    PERMANENT = "permanent"  # this message will never be accepted


CODES: dict[Verdict, frozenset[int]] = {
    Verdict.NUMBER: frozenset({4, 80007, 130429, 131048, 131057, 133016}),
    Verdict.PAIR: frozenset({131056}),
    # 131000 says "try again" and nothing else; 131053 concerns media and passes.
    Verdict.TRANSIENT: frozenset({1, 2, 131000, 131016, 131053, 133004}),
    Verdict.CREDENTIAL: frozenset(
        {0, 3, 10, 190, 368, 131005, 131031, 131042, 131045, 133010, *range(200, 300)}
    ),
}

HOPELESS = frozenset(
    {
        100,
        130403,
        130472,
        130497,
        131008,
        131009,
        131021,
        *range(131049, 131053),
        131062,
        *range(132000, 133000),
    }
)
"""Codes after which another call of the same message fails as well, at whatever time it is made."""

_VERDICTS = {code: verdict for verdict, codes in CODES.items() for code in codes}
_WRONG_NUMBER_ID = (100, 33)


def verdict(code: int | None, subcode: int | None = None, *, transient: bool = False) -> Verdict:
    """The verdict on a Graph error; `transient` is its `is_transient`, which decides for an unlisted code."""
    if (code, subcode) == _WRONG_NUMBER_ID:
        return Verdict.CREDENTIAL
    fallback = Verdict.TRANSIENT if transient else Verdict.PERMANENT
    return _VERDICTS.get(code, fallback) if code is not None else fallback


def may_be_sent_again(code: int | None) -> bool:
    """Whether an operator may repeat a send that Meta had accepted and that failed with this code later."""
    return code not in HOPELESS

"""Mobile numbers that were given more or fewer digits, in E.164 without the plus sign.

Decision 0098, which names the sources.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """How a country writes some of its numbers now, and how it did before; each form gives the other."""

    before: re.Pattern[str]
    to_now: str
    now: re.Pattern[str]
    to_before: str

    def to_current(self, digits: str) -> str | None:
        """The number as it is dialled now; None when this is not one of the numbers of before."""
        return self.before.sub(self.to_now, digits) if self.before.fullmatch(digits) else None


def _change(before: str, to_now: str, now: str, to_before: str) -> Change:
    return Change(re.compile(before, re.ASCII), to_now, re.compile(now, re.ASCII), to_before)


CHANGES = (
    # Brazil, 2012 to 2016: a ninth digit for mobiles. Landlines (2 to 5) never have it.
    _change(r"55(\d{2})([6-9]\d{7})", r"55\g<1>9\2", r"55(\d{2})9([6-9]\d{7})", r"55\1\2"),
    # Mexico, 2019: mobiles lost the 1 after the country code.
    _change(r"521([2-9]\d{9})", r"52\1", r"52([2-9]\d{9})", r"521\1"),
    # Benin, 30 November 2024: 01 before every number.
    _change(r"229([2-9]\d{7})", r"22901\1", r"22901([2-9]\d{7})", r"229\1"),
    # Côte d'Ivoire, 31 January 2021: two digits for the operator, which the number told already.
    *(
        _change(rf"225((?:{old})\d{{6}})", rf"225{new}\1", rf"225{new}((?:{old})\d{{6}})", r"225\1")
        for new, old in (
            ("01", "0[1-3]|[457][0-3]"),
            ("05", "0[4-6]|[4-9][4-6]"),
            ("07", "0[7-9]|[4-8][7-9]|9[78]"),
        )
    ),
)
"""What changed, for countries where identities from before the change are known to be still in use."""

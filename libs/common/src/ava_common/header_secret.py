"""A secret that is sent in a header as it is.

Decision 0119.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from ava_common.settings import Secret


def _fits_a_header(secret: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~](?:[ -~]*[!-~])?", secret.get_secret_value()):
        raise ValueError(
            "begins or ends with a blank, or holds a character that no header carries; copy it again"
        )
    return secret


HeaderSecret = Annotated[Secret, AfterValidator(_fits_a_header)]
"""A secret that is sent in a header as it is: with any other character no client could be opened."""

"""The message ids, numbers and business-scoped ids in Meta's JSON, to find it when an account is deleted."""

import re

# Whole strings only: a number that is mentioned in a text is none. Ten digits that begin with 1 are a moment.
_NAME = re.compile(
    rb'"(?:(wamid\.[!#-~]{1,255})|\+?(?!1[0-9]{9}")([0-9]{5,15})|([A-Z]{2}\.[.0-9A-Za-z]{1,132}))(?=")'
)


def names_in(json: bytes) -> str:
    """Each name once, with spaces between; a number without its plus sign. As whatsapp.names_in in SQL."""
    found = _NAME.finditer(json.replace(b"\\/", b"/"))
    return " ".join(sorted({(name[1] or name[2] or name[3]).decode() for name in found}))

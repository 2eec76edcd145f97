"""The commands of infra/README.md, read from the page."""

import re

from ava_local.repository import ROOT

PAGE = (ROOT / "infra" / "README.md").read_text()


def commands(first: str) -> str:
    """The code block that contains this text, as it stands on the page."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    [block] = [block for block in blocks if first in block]
    return str(block)

"""The commands of infra/README.md, read from the page. Decision 0138."""

import re

from ava_local.repository import ROOT

PAGE = (ROOT / "infra" / "README.md").read_text()


def blocks() -> list[str]:
    """Every code block of the page."""
    return re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def commands(first: str) -> str:
    """The code block that contains this text, as it stands on the page."""
    [block] = [block for block in blocks() if first in block]
    return block


def sentence(first: str) -> str:
    """The command in a sentence that contains this text."""
    [found] = {one for one in re.findall(r"`([^`\n]+)`", PAGE) if first in one}
    return str(found)

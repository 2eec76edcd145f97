"""The variables in a file `.env`."""

from pathlib import Path

from dotenv import dotenv_values

from ava_local.expected_error import ExpectedError


class UnreadableFile(ExpectedError):
    """The file is not text in UTF-8."""


def read(file: Path) -> dict[str, str]:
    """Those that have a value; none without the file. Raises UnreadableFile."""
    try:
        found = dotenv_values(file, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{file} is not UTF-8. Save it as UTF-8.") from None
    return {name: value for name, value in found.items() if value}

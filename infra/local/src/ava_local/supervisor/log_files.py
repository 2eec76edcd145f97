"""The log file of a process: rotating it, and reading its last lines."""

from pathlib import Path

MAX_LOG_BYTES = 20 * 1024 * 1024


def rotate(log: Path) -> None:
    """Keep one older log beside the current one, so that logs never fill the disk."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def last_lines(log: Path, count: int = 12, since: int = 0) -> list[str]:
    """The end of a log, to show when something went wrong; only what came after `since` bytes."""
    if not log.exists():
        return []
    with log.open("rb") as text:
        size = log.stat().st_size
        text.seek(max(since if since <= size else 0, size - 16_384))
        return text.read().decode(errors="replace").splitlines()[-count:]

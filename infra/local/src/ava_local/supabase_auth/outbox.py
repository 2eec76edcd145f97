"""Mails that are not sent but kept, newest first, for the page and the JSON at /outbox."""

import json
import uuid
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

KEPT = 500


@dataclass(frozen=True)
class Mail:
    """One mail: what a person would find in it."""

    to: str
    type: str
    subject: str
    token: str
    token_hash: str
    link: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


class Outbox:
    """The newest mails, in memory and, given a folder, as one small file each that survives a restart."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        if folder:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._mails.extend(Mail(**json.loads(file.read_text())) for file in sorted(folder.glob("*.json")))

    def put(self, mail: Mail) -> None:
        if len(self._mails) == KEPT:
            self._forget(self._mails[0])
        self._mails.append(mail)
        if self._folder:
            self._file(mail).write_text(json.dumps(asdict(mail)))

    def newest_first(self, to: str | None = None) -> list[Mail]:
        """All mails, or those to one address (in any case)."""
        wanted = to.lower() if to else None
        return [mail for mail in reversed(self._mails) if wanted in (None, mail.to.lower())]

    def clear(self) -> None:
        for mail in self._mails:
            self._forget(mail)
        self._mails.clear()

    def _forget(self, mail: Mail) -> None:
        if self._folder:
            self._file(mail).unlink(missing_ok=True)

    def _file(self, mail: Mail) -> Path:
        assert self._folder
        return self._folder / f"{mail.sent_at.replace(':', '')}-{mail.id}.json"

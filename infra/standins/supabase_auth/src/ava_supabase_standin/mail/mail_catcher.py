"""Keeps the newest e-mails instead of sending them, in memory and one file each."""

import json
import uuid
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

MAX_MAILS = 500


@dataclass(frozen=True)
class Mail:
    """One e-mail, as the user would receive it."""

    to: str
    type: str
    subject: str
    token: str
    token_hash: str
    link: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


class MailCatcher:
    """The newest e-mails, in memory and, given a folder, in files that survive a restart."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._mails: deque[Mail] = deque(maxlen=MAX_MAILS)
        if folder:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._mails.extend(Mail(**json.loads(file.read_text())) for file in sorted(folder.glob("*.json")))

    def add(self, mail: Mail) -> None:
        if len(self._mails) == MAX_MAILS:
            self._delete_file(self._mails[0])
        self._mails.append(mail)
        if self._folder:
            self._file(mail).write_text(json.dumps(asdict(mail)))

    def newest_first(self, to: str | None = None) -> list[Mail]:
        """All e-mails, or those to one address (ignoring case)."""
        wanted = to.lower() if to else None
        return [mail for mail in reversed(self._mails) if wanted in (None, mail.to.lower())]

    def clear(self) -> None:
        for mail in self._mails:
            self._delete_file(mail)
        self._mails.clear()

    def _delete_file(self, mail: Mail) -> None:
        if self._folder:
            self._file(mail).unlink(missing_ok=True)

    def _file(self, mail: Mail) -> Path:
        assert self._folder
        return self._folder / f"{mail.sent_at.replace(':', '')}-{mail.id}.json"

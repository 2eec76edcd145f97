"""The stack's secrets in secrets.json: created at the first start, readable by their owner only."""

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StackSecrets:
    """`passwords` are by database role; `signing_key` is auth's private EC P-256 JWK."""

    passwords: dict[str, str]
    publishable_key: str
    secret_key: str
    signing_key: dict[str, str]
    client_secret: str
    app_secret: str
    verify_token: str
    access_token: str


def load_or_create(path: Path) -> StackSecrets:
    """The secrets in `path`; generated now if there are none yet."""
    if not path.exists():
        # Imported here: cryptography takes 20 MB, which the supervisor would never give back.
        from ava_local.stack.secret_generation import generate_secrets

        write_private_file(path, json.dumps(generate_secrets(), indent=2) + "\n")
    return StackSecrets(**json.loads(path.read_text()))


def write_private_file(path: Path, text: str) -> None:
    """Written completely or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)

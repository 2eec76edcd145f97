"""The stack's secrets in secrets.json: created at the first start, readable by their owner only."""

import json
import os
import subprocess
import sys
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


def create_apart(path: Path) -> None:
    """Generate them, if there are none yet, in a process of its own.

    It loads cryptography, whose memory the supervisor would never give back. If it fails, `load_or_create`
    says why.
    """
    if not path.exists():
        command = [sys.executable, "-m", "ava_local.stack.secrets_file", str(path)]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


def load_or_create(path: Path) -> StackSecrets:
    """The secrets in `path`; generated now if there are none yet."""
    if not path.exists():
        # Imported here: few of those who read the secrets generate them.
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


if __name__ == "__main__":
    load_or_create(Path(sys.argv[1]))

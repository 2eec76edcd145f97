"""Writes the four env files for a VPS: what can be generated is filled in, the rest is left as named blanks.

Decision 0121.
"""

import json
import re
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.postgres.scram import scram_verifier
from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES, as_env_file
from ava_local.stack.secret_generation import new_signing_key, random_token
from ava_local.stack.secrets_file import write_private_file

SQL_FILE = "passwords.sql"
_PLACEHOLDER = re.compile(r"change-me|example\.org|_PHONE_NUMBER_ID=")
_SETTING = re.compile(r"^([A-Z][A-Z0-9_]*)=")
_SQL_HEAD = """-- Sets the passwords of the services' roles, which the migrations have created:
--   psql "$ADMIN_DATABASE_URL" -f passwords.sql
-- These are SCRAM verifiers; the passwords themselves stand in the env files only.
"""


class FileExists(ExpectedError):
    """One of the files is there already; none is overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already, and nothing was written: secrets are never overwritten.")


def write(folder: Path) -> dict[str, list[str]]:
    """Write the files, readable by their owner only; returns the variables left blank, by file.

    Raises FileExists.
    """
    files = {service: folder / f"{service}.env" for service in SERVICES}
    for path in (*files.values(), folder / SQL_FILE):
        if path.exists():
            raise FileExists(path)
    passwords = {service: random_token() for service in SERVICES}
    generated = generate(passwords)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    blanks = {}
    for service, path in files.items():
        text, blanks[path.name] = filled_in(service, generated[service])
        write_private_file(path, text)
    write_private_file(folder / SQL_FILE, _SQL_HEAD + "".join(statement(*one) for one in passwords.items()))
    return blanks


def generate(passwords: dict[str, str]) -> dict[str, dict[str, str]]:
    """The values that can be generated, by service."""
    client_secret = random_token()
    values = {service: {_url_variable(service): _login(service, passwords[service])} for service in SERVICES}
    values["auth"]["AUTH_SIGNING_KEYS"] = json.dumps([new_signing_key()], separators=(",", ":"))
    values["auth"]["AUTH_CLIENTS"] = json.dumps({"whatsapp-gateway": [client_secret]}, separators=(",", ":"))
    values["whatsapp-gateway"]["WHATSAPP_GATEWAY_CLIENT_SECRET"] = client_secret
    values["whatsapp-gateway"]["WHATSAPP_GATEWAY_VERIFY_TOKEN"] = random_token()
    return values


def filled_in(service: str, generated: dict[str, str]) -> tuple[str, list[str]]:
    """The service's example with these values and without placeholders; and the variables left to fill in."""
    lines, blanks = [], []
    for line in (ROOT / "services" / service / ".env.example").read_text(encoding="utf-8").splitlines():
        name = found[1] if (found := _SETTING.match(line)) else ""
        if name in generated:
            lines.append(as_env_file({name: generated[name]}).rstrip("\n"))
        else:
            lines.append(f"{name}=" if name and _PLACEHOLDER.search(line) else line)
        if name and _PLACEHOLDER.search(generated.get(name, line)):
            blanks.append(name)
    return "\n".join(lines) + "\n", blanks


def statement(service: str, password: str) -> str:
    return f"alter role {_role(service)} password '{scram_verifier(password)}';\n"


def _role(service: str) -> str:
    return "ava_" + service.replace("-", "_")


def _url_variable(service: str) -> str:
    return service.upper().replace("-", "_") + "_DATABASE_URL"


def _login(service: str, password: str) -> str:
    return f"postgresql://{_role(service)}:{password}@change-me-host:5432/postgres?sslmode=require"

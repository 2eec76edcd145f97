"""`./ava secrets DIR`: env files that hold together, readable by their owner only, never overwritten."""

import io
import json
import stat
from pathlib import Path

import asyncpg
import pytest
from dotenv import dotenv_values

from ava_local.postgres.cluster import SUPERUSER
from ava_local.postgres.scram import scram_verifier
from ava_local.stack import production_secrets
from ava_local.stack.environment import SERVICES
from ava_local.stack.production_secrets import FileExists
from ava_local.testing.databases import Database


def values(folder: Path, service: str) -> dict[str, str | None]:
    return dotenv_values(stream=io.StringIO((folder / f"{service}.env").read_text()), interpolate=False)


def test_the_files_hold_together_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "vps"
    blanks = production_secrets.write(folder)
    auth, gateway = values(folder, "auth"), values(folder, "whatsapp-gateway")
    assert json.loads(str(auth["AUTH_CLIENTS"])) == {
        "whatsapp-gateway": [gateway["WHATSAPP_GATEWAY_CLIENT_SECRET"]]
    }
    [key] = json.loads(str(auth["AUTH_SIGNING_KEYS"]))
    assert (key["crv"], bool(key["kid"]), bool(key["d"])) == ("P-256", True, True)
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for service in SERVICES:
        left = blanks[f"{service}.env"]
        assert all(not values(folder, service)[name] for name in left if not name.endswith("DATABASE_URL"))
    assert "WHATSAPP_GATEWAY_PHONE_NUMBER_ID" in blanks["whatsapp-gateway.env"]
    assert "PUBLIC_URL" in blanks["auth.env"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "messaging.env").write_text("mine")
    with pytest.raises(FileExists, match=r"messaging\.env exists already, and nothing was written"):
        production_secrets.write(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["messaging.env"]


def test_no_password_stands_in_the_sql(tmp_path: Path) -> None:
    production_secrets.write(tmp_path)
    sql = (tmp_path / production_secrets.SQL_FILE).read_text()
    for service in SERVICES:
        url = str(values(tmp_path, service)[f"{service.upper().replace('-', '_')}_DATABASE_URL"])
        role, _, password = url.removeprefix("postgresql://").partition("@")[0].partition(":")
        assert f"alter role {role} password 'SCRAM-SHA-256$4096:" in sql
        assert password not in sql


async def test_a_role_logs_in_with_the_password_of_its_verifier(database: Database) -> None:
    await database.admin(f"create role verified login password '{scram_verifier('a-secret_word')}'")
    try:
        url = database.url(SUPERUSER)
        connection = await asyncpg.connect(url, user="verified", password="a-secret_word")
        assert await connection.fetchval("select current_user::text") == "verified"
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url, user="verified", password="another")
    finally:
        await database.admin("drop role verified")

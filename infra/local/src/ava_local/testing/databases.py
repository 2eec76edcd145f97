"""A temporary PostgreSQL for tests, and fresh copies of a migrated database in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from ava_local.ports import free_port
from ava_local.postgres.cluster import SUPERUSER, Cluster
from ava_local.postgres.migrations import migrate
from ava_local.postgres.supabase_baseline import apply_supabase_baseline, set_passwords
from ava_local.repository import ROOT
from ava_local.stack import secret_generation
from ava_local.testing.accounts import Account, insert_accounts

MIGRATIONS = ROOT / "supabase" / "migrations"
TEMPLATE = "ava_template"
LOGIN_ROLES = (*secret_generation.LOGIN_ROLES, "authenticator")
_FOLDER_PREFIX = "ava-tests-"


@dataclass(frozen=True)
class Database:
    """One database and the login URLs for it."""

    cluster: Cluster
    name: str
    password: str = field(repr=False)

    def url(self, role: str) -> str:
        """The login URL of any role: a service's, postgres, supabase_auth_admin or supabase_admin."""
        password = None if role == SUPERUSER else self.password
        return self.cluster.url(role, password, self.name)

    async def admin(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement as the superuser, bypassing all policies."""
        connection = await asyncpg.connect(self.url(SUPERUSER))
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def person(self, email: str | None = None) -> UUID:
        """A confirmed account as Supabase Auth would create it; a trigger adds the row in public.users."""
        person = uuid4()
        await self.people(Account(person, email))
        return person

    async def people(self, *accounts: Account) -> None:
        connection = await asyncpg.connect(self.url("supabase_auth_admin"))
        try:
            await insert_accounts(connection, accounts)
        finally:
            await connection.close()


@contextmanager
def temporary_cluster(version: int = 18, *, durable: bool = False) -> Iterator[Cluster]:
    """A server in memory if possible, without fsync unless `durable`; ends with this process in any case."""
    memory = Path("/dev/shm")  # noqa: S108
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    _remove_leftover_folders(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-", dir=parent))
    folder.chmod(0o711)
    running = Cluster(folder, free_port(), version=version, durable=durable)
    try:
        running.start()
        yield running
    finally:
        running.destroy()


def _remove_leftover_folders(parent: Path) -> None:
    """Delete what killed test runs left behind."""
    for folder in parent.glob(f"{_FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(_FOLDER_PREFIX).split("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


async def new_database(
    running: Cluster, name: str, template: str = "template1", password: str | None = None
) -> Database:
    """An empty database with the Supabase baseline, or a copy of another one.

    Grants on a database itself are not copied from its template, so they are given again here.
    """
    secret = password or running.password
    admin = await asyncpg.connect(running.url())
    try:
        await admin.execute(f'create database "{name}" template "{template}" strategy file_copy')
        if template != "template1":
            await admin.execute(f'alter database "{name}" owner to postgres')
            await admin.execute(f'revoke temporary on database "{name}" from public')
            await admin.execute(f'grant create on database "{name}" to supabase_auth_admin')
    finally:
        await admin.close()
    database = Database(running, name, secret)
    if template == "template1":
        await apply_supabase_baseline(database.url(SUPERUSER), dict.fromkeys(LOGIN_ROLES, secret))
    return database


async def migrated_template(running: Cluster, folder: Path = MIGRATIONS) -> Database:
    """A database with every migration applied as `postgres`, to be copied for each test."""
    database = await new_database(running, TEMPLATE)
    await migrate(database.url("postgres"), folder)
    await set_passwords(database.url(SUPERUSER), dict.fromkeys(LOGIN_ROLES, database.password))
    return database


async def drop_database(running: Cluster, name: str) -> None:
    """Drop it, even if a test left connections open."""
    admin = await asyncpg.connect(running.url())
    try:
        await admin.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await admin.close()

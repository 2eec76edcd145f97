"""The pytest plugin every test folder uses: a temporary PostgreSQL, a fresh database, a token issuer."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ava_local.devtools import npm_packages
from ava_local.postgres.cluster import Cluster
from ava_local.repository import ROOT
from ava_local.testing.databases import (
    TEMPLATE,
    Database,
    drop_database,
    migrated_template,
    new_database,
    temporary_cluster,
)
from ava_local.testing.token_issuer import issuer as issuer

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(processes: None) -> AsyncIterator[Cluster]:
    """One temporary PostgreSQL 18 with a migrated template, shared by the whole test run."""
    with temporary_cluster() as running:
        await migrated_template(running)
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """A fresh copy of the migrated database, dropped after the test."""
    name = f"ava_{next(_numbers)}_{secrets.token_hex(3)}"
    yield await new_database(cluster, name, template=TEMPLATE)
    await drop_database(cluster, name)


@pytest.fixture(scope="session")
def npm_programs(processes: None) -> Path:
    """The folder of the programs in tests/npm, such as the Supabase CLI; node_modules is its parent."""
    try:
        return npm_packages.install(ROOT / "tests" / "npm", ROOT / ".ava" / "npm")
    except npm_packages.NodeNotInstalled as missing:
        pytest.skip(f"NOT TESTED: {missing}")

"""TLS to a database with a certificate of its own: encrypted, verified, and refused in words."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ava_common import database_url
from ava_common.database import open_pool
from ava_common.database_readiness import DatabaseReadiness
from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import Database
from ava_local.testing.tls_terminator import Authority, tls_terminator

VARIABLE = "KITCHEN_DATABASE_URL"


@pytest.fixture
async def encrypted(
    database: Database, cluster: Cluster, tmp_path: Path
) -> AsyncIterator[tuple[str, Authority]]:
    """A login URL through TLS, without options, and the authority that signed the server's certificate."""
    authority = Authority.create(tmp_path, "project")
    async with tls_terminator(cluster.port, authority.server_context(tmp_path)) as port:
        yield database.url("ava_profile").replace(f":{cluster.port}/", f":{port}/"), authority


async def told(url: str) -> list[str]:
    assert database_url.problem(url) is None
    async with open_pool(url, name="test") as pool:
        return [found.detail for found in await DatabaseReadiness(pool, url, VARIABLE).findings()]


async def test_a_verified_server_is_accepted(encrypted: tuple[str, Authority]) -> None:
    url, authority = encrypted
    assert await told(f"{url}?sslmode=verify-full&sslrootcert={authority.certificate}") == []


async def test_require_encrypts_without_an_authority(encrypted: tuple[str, Authority]) -> None:
    assert await told(f"{encrypted[0]}?sslmode=require") == []


async def test_a_certificate_of_another_authority_is_refused(
    encrypted: tuple[str, Authority], tmp_path: Path
) -> None:
    other = Authority.create(tmp_path, "another")
    [words] = await told(f"{encrypted[0]}?sslmode=verify-full&sslrootcert={other.certificate}")
    assert "is not one that sslrootcert vouches for" in words
    assert VARIABLE in words


async def test_a_certificate_for_another_name_is_refused(encrypted: tuple[str, Authority]) -> None:
    url, authority = encrypted
    by_name = url.replace("127.0.0.1", "localhost")
    [words] = await told(f"{by_name}?sslmode=verify-full&sslrootcert={authority.certificate}")
    assert "certificate" in words


async def test_a_server_without_tls_is_refused(database: Database) -> None:
    [words] = await told(f"{database.url('ava_profile')}?sslmode=require")
    assert "does not offer TLS" in words

"""What a benchmark needs: a PostgreSQL with fsync, users and their messages, and a token issuer."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import TEMPLATE, Database, migrated_template, new_database
from ava_local.testing.token_issuer import Issuer
from chaos.simulated_users import create_users

_LOG = """
insert into public.messages (user_id, channel, role, content, created_at)
select ($1::uuid[])[1 + n % cardinality($1::uuid[])], case when n % 3 = 0 then 'app' else 'whatsapp' end,
  case when n % 2 = 0 then 'user' else 'assistant' end,
  'This is a message, and it is about as long as what people write.', now() - n * interval '1 second'
from generate_series(1, $2) as n
"""


@dataclass(frozen=True)
class BenchmarkSetup:
    """Everything a comparison uses; `folder` is for logs."""

    folder: Path
    cluster: Cluster
    issuer: Issuer

    async def database(self, name: str) -> Database:
        """A migrated database."""
        return await new_database(self.cluster, name, template=TEMPLATE)


def scratch() -> Path:
    """A new folder that PostgreSQL can pass through, which may run as another user."""
    folder = Path(tempfile.mkdtemp(prefix="ava-bench-"))
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def prepared() -> AsyncIterator[BenchmarkSetup]:
    """With fsync, as in production: TMPDIR should be on a disk."""
    folder = scratch()
    cluster, issuer = Cluster(folder / "postgres", free_port()), Issuer()
    try:
        cluster.folder.mkdir(mode=0o711)
        cluster.start()
        await migrated_template(cluster)
        yield BenchmarkSetup(folder, cluster, issuer)
    finally:
        issuer.close()
        cluster.destroy()
        shutil.rmtree(folder, ignore_errors=True)


async def filled(database: Database, people: int, messages: int) -> Sequence[UUID]:
    """Fill a log with messages of so many users in turn; returns the users' ids."""
    url = database.url("supabase_admin")
    ids = [person.id for person in await create_users(url, people)]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_LOG, ids, messages)
        await connection.execute("vacuum (analyze) public.messages")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return ids

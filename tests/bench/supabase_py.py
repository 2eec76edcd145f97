"""Starts what people would use instead of a service of their own: FastAPI and supabase-py before a Data API.

The Data API is the leanest hop of that shape that can be written, so that the comparison is kind to them.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from ava_local.testing.databases import Database
from bench.benchmark_setup import BenchmarkSetup
from bench.servers import Server, serving

# Claims and question travel together, and PostgreSQL makes the JSON: one round trip for each request.
_FUNCTIONS = """
create schema bench;
grant usage on schema bench to ava_messaging;
create function bench.become(p_claims text) returns uuid language sql volatile as $$
  select set_config('role', 'ava_messaging', true), set_config('request.jwt.claims', p_claims, true);
  select (p_claims::jsonb ->> 'sub')::uuid
$$;
create function bench.newest(p_claims text, p_limit integer) returns text language plpgsql volatile as $$
declare
  v_user_id uuid := bench.become(p_claims);
begin
  return (select coalesce(json_agg(m), '[]')::text from (
    select id, avatar_id, channel, role, content, created_at, external_id from public.messages
    where user_id = v_user_id order by created_at desc, id desc limit p_limit) as m);
end
$$;
create function bench.append(p_claims text, p_content text, p_external_id text) returns text
language plpgsql volatile as $$
declare
  v_user_id uuid := bench.become(p_claims);
  v_row public.messages;
begin
  insert into public.messages (user_id, channel, role, content, external_id)
  values (v_user_id, 'app', 'user', p_content, p_external_id)
  on conflict (user_id, external_id) do nothing returning * into v_row;
  return case when v_row.id is null then '[]' else json_build_array(row_to_json(v_row))::text end;
end
$$;
grant execute on all functions in schema bench to ava_messaging;
"""


@asynccontextmanager
async def serving_supabase(setup: BenchmarkSetup, database: Database) -> AsyncIterator[Server]:
    """Both servers, frozen; the CPU of both is counted."""
    admin = await asyncpg.connect(database.url("supabase_admin"))
    try:
        await admin.execute(_FUNCTIONS)
    finally:
        await admin.close()
    keys = {"BENCH_JWKS_URL": f"{setup.issuer.url}/auth/v1/.well-known/jwks.json"}
    url = {"BENCH_DATABASE_URL": database.url("ava_messaging")}
    async with AsyncExitStack() as servers:
        hop = servers.enter_context(serving("bench.rivals.data_api:app", setup.folder, keys | url))
        hop.resume()
        where = {"BENCH_DATA_API_URL": hop.url}
        app = serving("bench.rivals.supabase_service:app", setup.folder, keys | where, behind=[hop])
        yield servers.enter_context(app)

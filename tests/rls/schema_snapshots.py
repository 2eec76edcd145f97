"""A database as it was at a release, the shape of any database, and its rows: to compare before and after."""

import json
from pathlib import Path
from typing import Any

import asyncpg

from ava_local.postgres.cluster import SUPERUSER, Cluster
from ava_local.postgres.supabase_baseline import set_passwords
from ava_local.testing.databases import LOGIN_ROLES, Database, new_database

RELEASES = Path(__file__).with_name("releases")
DUMP = RELEASES / "0.1.0.sql"
OURS = "('public', 'whatsapp', 'accounts', 'messaging', 'profile', 'ava_private')"

SHAPE = f"""
select 'column' as what, format('%s.%s', a.attrelid::regclass, a.attname) as name,
       format('%s %s %s', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity) as definition,
       a.attacl::text as grants, col_description(a.attrelid, a.attnum) as comment,
       pg_get_expr(d.adbin, d.adrelid) as more
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped and c.relkind <> 'i'
   and c.relnamespace::regnamespace::text in {OURS}
union all select 'constraint', format('%s %s', conrelid::regclass, conname), pg_get_constraintdef(oid), '',
       '', '' from pg_constraint where connamespace::regnamespace::text in {OURS}
union all select 'policy', format('%s %s', polrelid::regclass, polname), pg_get_expr(polqual, polrelid),
       array(select unnest(polroles)::regrole::text order by 1)::text, polcmd::text,
       pg_get_expr(polwithcheck, polrelid) from pg_policy
union all select 'relation', oid::regclass::text, format('%s %s', relrowsecurity, relforcerowsecurity),
       relacl::text, obj_description(oid, 'pg_class'), relowner::regrole::text
  from pg_class where relkind <> 'i' and relnamespace::regnamespace::text in {OURS}
union all select 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text, '', ''
  from pg_index join pg_class c on c.oid = indexrelid where c.relnamespace::regnamespace::text in {OURS}
union all select 'trigger', format('%s %s', tgrelid::regclass, tgname), pg_get_triggerdef(oid), '', '', ''
  from pg_trigger where not tgisinternal
union all select 'function', oid::regprocedure::text, pg_get_functiondef(oid), proacl::text,
       obj_description(oid, 'pg_proc'), proowner::regrole::text
  from pg_proc where pronamespace::regnamespace::text in {OURS}
union all select 'schema', nspname, '', nspacl::text, obj_description(oid, 'pg_namespace'),
       nspowner::regrole::text
  from pg_namespace where nspname in {OURS}
union all select 'defaults', format('%s %s', defaclnamespace::regnamespace, defaclobjtype),
       defaclrole::regrole::text, defaclacl::text, '', ''
  from pg_default_acl where defaclrole = 'postgres'::regrole
order by 1, 2, 3
"""  # noqa: S608 - a list of our own schemas
TABLES = f"""
select format('%I.%I', c.relnamespace::regnamespace, c.relname) as name from pg_class c
 where c.relkind = 'r' and (c.relnamespace::regnamespace::text in {OURS} or c.oid = 'auth.users'::regclass)
"""  # noqa: S608

Rows = dict[str, list[dict[str, Any]]]


async def restored(server: Cluster, name: str) -> Database:
    """The database of release 0.1.0 with its made-up rows, restored from the dump."""
    database = await new_database(server, name, template="template0")
    connection = await asyncpg.connect(database.url(SUPERUSER))
    try:
        await connection.execute(DUMP.read_text(encoding="utf-8"))
        # Everywhere else it has created these roles itself, as the migrations say.
        await connection.execute(
            "grant ava_auth, ava_profile, ava_messaging, ava_whatsapp_gateway to postgres with admin option"
        )
    finally:
        await connection.close()
    await set_passwords(database.url(SUPERUSER), dict.fromkeys(LOGIN_ROLES, database.password))
    return database


async def shape_of(database: Database) -> list[tuple[str | None, ...]]:
    """Columns, constraints, indexes, policies, grants, functions, comments: equal for equal schemas."""
    return [tuple(row) for row in await database.admin(SHAPE)]


async def rows_of(database: Database) -> Rows:
    """Every row of each of our tables and of auth.users, as JSON, in one order."""
    found: Rows = {}
    for table in await database.admin(TABLES):
        rows = await database.admin(f"select to_jsonb(t)::text as row from {table['name']} as t")  # noqa: S608
        found[table["name"]] = sorted((json.loads(row["row"]) for row in rows), key=json.dumps)
    return found


def lost_columns(before: Rows, after: Rows) -> set[str]:
    """The columns that had values before and are not there any more, as table.column."""
    return {
        f"{table}.{column}"
        for table, rows in before.items()
        for row in rows
        for column in row
        if any(column not in other for other in after.get(table, [{}]))
    }


def without(rows: Rows, columns: set[str]) -> Rows:
    """The rows without these columns, each given as table.column."""
    return {
        table: sorted(
            (
                {name: value for name, value in row.items() if f"{table}.{name}" not in columns}
                for row in all_
            ),
            key=json.dumps,
        )
        for table, all_ in rows.items()
    }


def added_columns(before: Rows, after: Rows) -> set[str]:
    """The columns that were not there before, as table.column."""
    return lost_columns(after, before)

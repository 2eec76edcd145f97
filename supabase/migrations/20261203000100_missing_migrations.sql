-- A service asks whether the schema has what it needs (docs/decisions/0118). Additions only: release 0.1.0 asks nothing.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function ava_private.missing_migrations(p_versions text[]) returns text[]
language plpgsql stable security definer set search_path = '' as $$
declare
  v_missing text[];
begin
  -- Applied by hand, without a history: the file that made this function is there, and no more can be known.
  if pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null then
    return '{}';
  end if;
  select coalesce(pg_catalog.array_agg(needed order by needed), '{}') into v_missing
  from pg_catalog.unnest(p_versions) as needed
  where not exists (select from supabase_migrations.schema_migrations as applied where applied.version = needed);
  return v_missing;
end $$;
comment on function ava_private.missing_migrations(text[]) is
  'Which of these versions the history of migrations lacks: asked by each service''s readiness check.';
revoke all on function ava_private.missing_migrations(text[]) from public, anon, authenticated, service_role;
grant usage on schema ava_private to ava_auth, ava_profile, ava_messaging, ava_whatsapp_gateway;
grant execute on function ava_private.missing_migrations(text[])
  to ava_auth, ava_profile, ava_messaging, ava_whatsapp_gateway;

-- What hosted Supabase gives one database before the first migration. Run as the superuser, once per database.
do $$
begin
  execute format('alter database %I owner to postgres', current_database());
  execute format('grant create on database %I to supabase_auth_admin', current_database());
end
$$;

create schema extensions;
do $$
declare
  extension text;
begin
  -- The platform has these; the embedded build ships neither, so no migration may need them.
  for extension in select name from pg_available_extensions where name in ('uuid-ossp', 'pgcrypto') loop
    execute format('create extension if not exists %I schema extensions', extension);
  end loop;
end
$$;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
grant usage on schema public to postgres, anon, authenticated, service_role;

-- The platform's default since 2026-10-30: everything granted, then the data privileges taken back by name.
-- What is left over (TRUNCATE, REFERENCES, TRIGGER) is the platform's, and our migrations must revoke it.
alter default privileges for role postgres in schema public
  grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke select, insert, update, delete on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke usage, select on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke execute on functions from anon, authenticated, service_role;

create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on routines to postgres, dashboard_user;

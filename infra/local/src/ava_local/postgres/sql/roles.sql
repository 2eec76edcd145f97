-- The roles hosted Supabase gives a cluster before the first migration. Run as the superuser; safe to repeat.
do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('anon', 'nologin inherit'),
      ('authenticated', 'nologin inherit'),
      ('service_role', 'nologin inherit bypassrls'),
      ('authenticator', 'login noinherit'),
      ('dashboard_user', 'nologin createdb createrole replication'),
      -- Not a superuser, as on the platform: what needs more must fail here, not at the deploy.
      ('postgres', 'login createdb createrole replication bypassrls'),
      ('supabase_auth_admin', 'login noinherit')
    ) as roles (name, attributes)
  loop
    if not exists (select from pg_roles where rolname = wanted.name) then
      execute format('create role %I %s', wanted.name, wanted.attributes);
    end if;
  end loop;
end
$$;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role supabase_auth_admin set search_path = 'auth';
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60000';

grant anon, authenticated, service_role to authenticator;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
do $$
begin
  if not (select rolsuper from pg_roles where rolname = 'postgres') then
    -- From 16 on only an admin of a role may grant it; the platform makes postgres one.
    execute 'grant anon, authenticated, service_role to postgres'
      || case when current_setting('server_version_num')::int >= 160000 then ' with admin option' else '' end;
    alter role postgres set search_path = '"$user", public, extensions';
  end if;
end
$$;

do $$
begin
  -- The platform lets postgres load a backup without firing triggers; before 15 only a superuser could.
  if current_setting('server_version_num')::int >= 150000 then
    execute 'grant set on parameter session_replication_role to postgres';
  end if;
end
$$;

-- What the catalog must not show. Each row is a broken rule and the thing that breaks it; there should be none.
with
-- What our migrations create is in these schemas; what Supabase creates is not ours to check.
ours as (
  select oid, nspname, nspacl, nspowner from pg_namespace
  where nspname not like 'pg\_%' and nspname not in ('information_schema', 'auth', 'extensions', 'supabase_migrations')
),
relation as (
  select c.oid, c.relname, c.relkind, c.relacl, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
         s.nspname, format('%s.%s', s.nspname, c.relname) as name
  from pg_class c join ours s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
),
-- Who may do what, with whole tables and with single columns; the owner's own rights are left out.
granted as (
  select r.name, r.nspname, r.relkind, a.privilege_type, coalesce(g.rolname, 'public') as grantee
  from relation r
  cross join lateral aclexplode(coalesce(r.relacl, acldefault((case r.relkind when 'S' then 's' else 'r' end)::"char", r.relowner))) a
  left join pg_roles g on g.oid = a.grantee
  where a.grantee <> r.relowner
  union
  select r.name, r.nspname, r.relkind, a.privilege_type, coalesce(g.rolname, 'public')
  from relation r
  join pg_attribute c on c.attrelid = r.oid and c.attacl is not null
  cross join lateral aclexplode(c.attacl) a
  left join pg_roles g on g.oid = a.grantee
  where a.grantee <> r.relowner
),
policy as (
  select p.*, r.name as table_name, format('%s: %s', r.name, p.polname) as name,
         coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as words
  from pg_policy p join relation r on r.oid = p.polrelid
),
routine as (
  select f.oid, f.prosecdef, f.proconfig, f.proacl, f.proowner, f.prosrc, f.proargnames, f.proargmodes, s.nspname,
         format('%s.%s', s.nspname, f.proname) as name
  from pg_proc f join ours s on s.oid = f.pronamespace
),
executable as (
  select f.name, f.nspname, coalesce(g.rolname, 'public') as grantee
  from routine f
  cross join lateral aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
  left join pg_roles g on g.oid = a.grantee
  where a.grantee <> f.proowner
),
-- Which service owns a private schema.
private_schema (nspname, owner) as (values ('whatsapp', 'ava_whatsapp_gateway'), ('accounts', 'ava_auth'), ('messaging', 'ava_messaging'), ('profile', 'ava_profile'))

select 'a table in public has no row-level security' as rule, name as thing
from relation where nspname = 'public' and relkind in ('r', 'p') and not relrowsecurity
union all
select 'row-level security does not bind the owner', name
from relation where nspname = 'public' and relkind in ('r', 'p') and relrowsecurity and not relforcerowsecurity
union all
select 'a table has row-level security and no policy', name
from relation r where relkind in ('r', 'p') and relrowsecurity
  and not exists (select from pg_policy p where p.polrelid = r.oid)
union all
-- At least one column that a policy checks must be the first of a valid index without a condition.
select 'no index leads with a column of the policy', p.name
from policy p
where p.polqual is not null and p.table_name like 'public.%'
  and not exists (
    select from pg_depend d join pg_index i on i.indrelid = p.polrelid
    where d.classid = 'pg_policy'::regclass and d.objid = p.oid
      and d.refobjid = p.polrelid and d.refobjsubid = i.indkey[0]
      and i.indisvalid and i.indpred is null
  )
union all
select 'a policy applies to every role', name from policy where polroles @> '{0}'
union all
select 'a policy in public does not check who is asking', name
from policy where table_name like 'public.%' and words not like '%auth.uid()%'
union all
select 'a policy calls an auth function for every row', name
from policy where words ~ 'auth\.(uid|jwt|role|email)\(\)' and regexp_replace(words, 'SELECT auth\.\w+\(\)', '', 'g') ~ 'auth\.\w+\(\)'
union all
select 'a policy trusts metadata that users can edit', name from policy where words ~ '(user|raw_user)_meta_?data'
union all
select 'an update policy lets users give a row away', name from policy where polcmd in ('w', '*') and polwithcheck is null
union all
select 'a view runs with its owner''s rights', name
from relation where relkind = 'v' and not coalesce(reloptions && array['security_invoker=true', 'security_invoker=on'], false)
union all
select 'row-level security cannot guard this kind of relation', name from relation where relkind in ('m', 'f')
union all
select 'a right to empty, reference, trigger on or maintain a table is granted', format('%s: %s to %s', name, privilege_type, grantee)
from granted where privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
union all
select 'an unexpected grant', format('%s: %s to %s', name, privilege_type, grantee)
from granted where grantee in ('public', 'anon', 'service_role', 'authenticator', 'dashboard_user')
  or (grantee = 'authenticated' and (nspname <> 'public' or privilege_type <> 'SELECT'))
union all
select 'a table is granted to more than one service', name
from granted where grantee like 'ava\_%' group by name having count(distinct grantee) > 1
union all
select 'a table in a private schema is granted to a service that does not own it', format('%s to %s', g.name, g.grantee)
from granted g left join private_schema p using (nspname)
where g.nspname <> 'public' and g.grantee is distinct from p.owner
union all
select 'a function runs with a search path that the caller chooses', name
from routine where not coalesce(proconfig && array['search_path=""', 'search_path='], false)
union all
select 'a function with its owner''s rights is in an open schema', name
from routine where prosecdef and nspname = 'public'
union all
select 'a function can be executed by a role it is not for', format('%s by %s', e.name, e.grantee)
from executable e left join private_schema p using (nspname)
where not (e.name = 'public.uuid_v7' and e.grantee like 'ava\_%')
  and not (e.name = 'ava_private.users_for_phones' and e.grantee = 'service_role')
  -- These take no argument and answer about the caller alone.
  and not (e.name = 'ava_private.own_account' and e.grantee in ('ava_profile', 'ava_messaging'))
  and not (e.name in ('ava_private.own_avatar', 'ava_private.own_ids') and e.grantee = 'ava_messaging')
  and not (e.name = 'ava_private.own_whatsapp_identities' and e.grantee = 'ava_profile')
  and not (e.name = 'ava_private.missing_migrations' and e.grantee like 'ava\_%')
  and e.grantee is distinct from p.owner
union all
select 'a schema is open to a role it is not for', format('%s: %s to %s', s.nspname, a.privilege_type, coalesce(g.rolname, 'public'))
from ours s
cross join lateral aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) a
left join pg_roles g on g.oid = a.grantee
left join private_schema p using (nspname)
where a.grantee <> s.nspowner and coalesce(g.rolname, 'public') <> 'postgres'
  and not (s.nspname = 'public' and a.privilege_type = 'USAGE')
  and not (s.nspname = 'ava_private' and a.privilege_type = 'USAGE' and (g.rolname = 'service_role' or g.rolname like 'ava\_%'))
  and not (a.privilege_type = 'USAGE' and g.rolname is not distinct from p.owner)
union all
select 'what postgres creates next would be open', format('%s in %s to %s', d.defaclobjtype, coalesce(n.nspname, 'any schema'), coalesce(g.rolname, 'public'))
from pg_default_acl d
left join pg_namespace n on n.oid = d.defaclnamespace
cross join lateral aclexplode(d.defaclacl) a
left join pg_roles g on g.oid = a.grantee
where d.defaclrole = 'postgres'::regrole and a.grantee <> d.defaclrole
union all
-- Without an entry of their own, functions have the built-in default: every role may execute them.
select 'what postgres creates next would be open', 'functions to public'
where not exists (
  select from pg_default_acl
  where defaclrole = 'postgres'::regrole and defaclnamespace = 0 and defaclobjtype = 'f'
)
union all
select 'a service''s role can do more than log in', rolname
from pg_roles where rolname like 'ava\_%'
  and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit or not rolcanlogin)
union all
select 'a service''s role is a member of another role', format('%s of %s', m.member::regrole, m.roleid::regrole)
from pg_auth_members m
where m.member::regrole::text like 'ava\_%'
  and not (m.member = 'ava_whatsapp_gateway'::regrole and m.roleid = 'service_role'::regrole and not m.admin_option)
union all
select 'a role can become a service''s role', format('%s from %s', m.roleid::regrole, m.member::regrole)
from pg_auth_members m
where m.roleid::regrole::text like 'ava\_%' and m.member <> 'postgres'::regrole
union all
select 'a service''s role owns something', format('%s', c.oid::regclass) from pg_class c where c.relowner::regrole::text like 'ava\_%'
union all
select 'any role can create temporary tables', datname
from pg_database cross join lateral aclexplode(coalesce(datacl, acldefault('d', datdba))) a
where datname = current_database() and a.grantee = 0 and a.privilege_type = 'TEMPORARY'
union all
select 'an account''s rows outlive it', format('%s.%s', s.nspname, c.conrelid::regclass)
from pg_constraint c join pg_class r on r.oid = c.conrelid join ours s on s.oid = r.relnamespace
where c.contype = 'f' and c.confrelid in (to_regclass('auth.users'), to_regclass('public.users')) and c.confdeltype <> 'c'
union all
select 'a schema, table, type or function does not say what it is for', thing
from (
  select nspname as thing, obj_description(oid, 'pg_namespace') as comment from ours where nspname <> 'public'
  union all select name, obj_description(oid, 'pg_class') from relation where relkind <> 'S'
  union all select name, obj_description(oid, 'pg_proc') from routine
  union all select format('%s.%s', s.nspname, t.typname), obj_description(t.oid, 'pg_type')
  from pg_type t join ours s on s.oid = t.typnamespace where t.typtype in ('e', 'd', 'r')
) as described where coalesce(comment, '') = ''
union all
-- Columns whose names say everything, wherever they stand, need no comment.
select 'a column does not say what it is for', format('%s.%s', r.name, c.attname)
from relation r join pg_attribute c on c.attrelid = r.oid
where r.relkind in ('r', 'p', 'v') and c.attnum > 0 and not c.attisdropped
  and coalesce(col_description(r.oid, c.attnum), '') = ''
  and c.attname <> all (array[
    'id', 'user_id', 'avatar_id', 'contact_id', 'event_id', 'delivery_id', 'phone_number_id', 'wamid', 'username',
    'name', 'personality', 'physical_description', 'content', 'body', 'state', 'status', 'at',
    'created_at', 'updated_at', 'changed_at', 'received_at', 'sent_at', 'accepted_at', 'first_seen_at'])
union all
-- An argument that is passed in, not a column of the result.
select 'a parameter of a function could be taken for a column', format('%s: %s', f.name, p.name)
from routine f cross join lateral unnest(f.proargnames, f.proargmodes) as p (name, mode)
where coalesce(p.mode, 'i') in ('i', 'b', 'v') and p.name not like 'p\_%'
union all
-- Such a function could never change without a silent REINDEX.
select 'an index depends on one of our functions', format('%s: %s', d.objid::regclass, f.name)
from pg_depend d join routine f on f.oid = d.refobjid
where d.refclassid = 'pg_proc'::regclass and d.classid = 'pg_class'::regclass
  and exists (select from pg_index i where i.indexrelid = d.objid)
union all
select 'a function leaves it to PostgreSQL whether a name is a variable or a column', name
from routine where prosrc ~ '#variable_conflict'
order by rule, thing

"""The stack's own PostgreSQL: server, data folder and user, the Supabase baseline, migrations."""

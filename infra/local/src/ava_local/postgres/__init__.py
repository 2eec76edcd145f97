"""A PostgreSQL of our own: its server, data folder and user, the Supabase baseline, migrations."""

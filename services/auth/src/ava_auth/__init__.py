"""The auth service: accounts over Supabase Auth, the web page, delegated tokens."""

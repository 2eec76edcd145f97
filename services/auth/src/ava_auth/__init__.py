"""Sessions' front door: accounts over Supabase Auth, the page, delegated tokens."""

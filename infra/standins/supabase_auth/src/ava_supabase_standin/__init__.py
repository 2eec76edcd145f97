"""A local stand-in for Supabase Auth: the same routes, bodies, error codes and rows; never deployed."""

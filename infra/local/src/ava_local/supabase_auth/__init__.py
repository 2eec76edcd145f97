"""A stand-in for Supabase Auth on one machine: same addresses, bodies, codes and rows, never deployed."""

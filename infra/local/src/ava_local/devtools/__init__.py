"""What developers run: checks, tests, lock files, and the optional programs tests use."""

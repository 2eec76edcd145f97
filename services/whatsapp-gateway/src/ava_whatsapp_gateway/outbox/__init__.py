"""A row before every call, and what each call came to."""

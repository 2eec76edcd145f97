"""The migrations that the services of this release need; a test compares them with supabase/migrations.

Decision 0118.
"""

NEEDED = (
    "20261122000100_core",
    "20261122000200_whatsapp",
    "20261122000300_accounts",
    "20261122000400_messages_page",
    "20261126000100_names_columns",
    "20261126000200_names_indexes",
    "20261126000300_names_of_stored_rows",
    "20261126000400_names_in_use",
    "20261126000500_function_parameters",
    "20261126000600_comments",
    "20261126000700_unused_columns",
    "20261128000100_link_attempts",
    "20261128000200_hidden_numbers",
    "20261203000100_missing_migrations",
)

"""The versions of the migrations that the services of this release need; a test compares them with supabase/migrations.

Decision 0118.
"""

NEEDED = (
    "20261122000100",
    "20261122000200",
    "20261122000300",
    "20261122000400",
    "20261126000100",
    "20261126000200",
    "20261126000300",
    "20261126000400",
    "20261126000500",
    "20261126000600",
    "20261126000700",
    "20261128000100",
    "20261128000200",
    "20261203000100",
)

"""The profile service: a user's avatar and preferences."""

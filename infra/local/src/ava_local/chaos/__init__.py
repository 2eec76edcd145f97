"""Breaks a real house on purpose while people write to it, and counts afterwards what that cost."""

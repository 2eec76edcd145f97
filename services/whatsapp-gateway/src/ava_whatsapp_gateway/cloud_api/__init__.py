"""Meta's Cloud API: its payloads, its errors, its client; no database, no other service."""

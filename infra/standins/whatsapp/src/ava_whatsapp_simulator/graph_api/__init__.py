"""The Graph API that sends go to: its endpoints, errors, limits and injected faults."""

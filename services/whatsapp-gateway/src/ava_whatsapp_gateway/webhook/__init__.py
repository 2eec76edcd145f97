"""The webhook: bytes committed, then 200; what was kept becomes events."""

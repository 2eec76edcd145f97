"""The routes under /auth/v1, one module per endpoint or two that belong together."""

"""The pytest plugin, the temporary databases and the token issuer all tests use."""

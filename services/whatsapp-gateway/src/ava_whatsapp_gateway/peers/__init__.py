"""The services the gateway asks: auth, profile, messaging."""

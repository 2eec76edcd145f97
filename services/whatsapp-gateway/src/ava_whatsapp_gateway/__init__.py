"""The WhatsApp gateway: deliveries in, answers out, each once and in order."""

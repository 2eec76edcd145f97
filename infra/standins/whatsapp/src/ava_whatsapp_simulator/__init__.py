"""A local WhatsApp: the Graph API, the phones behind it and the sender of webhooks; never deployed."""

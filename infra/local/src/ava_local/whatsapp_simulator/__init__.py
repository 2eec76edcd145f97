"""WhatsApp as Ava sees it: the Graph API, the phones behind it and the sender of webhooks; local use only."""

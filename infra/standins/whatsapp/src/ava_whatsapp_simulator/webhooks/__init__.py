"""The webhooks to Ava: payload, batching, sending with retries, statuses."""

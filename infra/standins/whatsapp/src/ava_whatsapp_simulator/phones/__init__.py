"""The phones: who they are, what they can send, and the webhook items that result."""

"""Whose message is it: identities on WhatsApp and the users they belong to."""

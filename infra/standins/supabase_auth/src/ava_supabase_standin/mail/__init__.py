"""The e-mails: their tokens and links, and the catcher that keeps instead of sending them."""

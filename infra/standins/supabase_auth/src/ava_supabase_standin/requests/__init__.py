"""What is read from a request: JSON body, client address, audience, redirect target."""

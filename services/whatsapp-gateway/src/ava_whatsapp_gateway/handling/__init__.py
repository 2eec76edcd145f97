"""What happens to one event, from whose it is to its answer."""

"""One FIFO per contact: leases, retries, dead events; reads no payload, calls no service."""

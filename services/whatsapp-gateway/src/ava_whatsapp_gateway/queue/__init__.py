"""One FIFO per contact: leases, retries, dead events; knows neither WhatsApp nor another service."""

"""Where a request comes from, as our own proxy says it."""

import ipaddress

from starlette.requests import Request

UNKNOWN = "unknown"


def address(request: Request) -> str:
    """The person's IP address: the last hop of X-Forwarded-For, which Caddy wrote; else the socket's peer.

    Whatever a client claims about itself stands further left and is never read.
    """
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    said = forwarded.rpartition(",")[2].strip() or (request.client.host if request.client else "")
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return UNKNOWN
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def network(of: str) -> str:
    """What is counted together: one IPv4 address, or the /64 that an IPv6 customer is given."""
    try:
        found = ipaddress.ip_address(of.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)

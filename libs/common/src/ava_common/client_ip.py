"""The client's IP address, as our edge proxy reports it, and the network it belongs to.

Decisions 0062 and 0064.
"""

import ipaddress
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

UNKNOWN = "unknown"


async def client_ip(request: Request) -> str:
    """The last hop of X-Forwarded-For, which our edge proxy wrote; else the address of the connection.

    The hops before it are the client's own claims and are never read.
    """
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    said = forwarded.rpartition(",")[2].strip() or (request.client.host if request.client else "")
    try:
        found = ipaddress.ip_address(said.partition("%")[0])  # its zone means something on one host only
    except ValueError:
        return UNKNOWN
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


ClientIp = Annotated[str, Depends(client_ip)]


def network_of(ip: str) -> str:
    """What is counted together: one IPv4 address, or the /64 that an IPv6 customer is given."""
    try:
        found = ipaddress.ip_address(ip)
    except ValueError:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)

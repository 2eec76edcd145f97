"""Why a database cannot be reached, in words that name the variable and what to do.

Decision 0119. See docs/contracts/postgres.md#connecting-to-a-hosted-database.
"""

import asyncio
import errno
import socket
import ssl

import asyncpg

from ava_common.database_login import are_all_taken
from ava_common.database_url import DatabaseAddress

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_IPV6_HINT = (
    "has an IPv6 address only, which cannot be reached from here (a container mostly has no IPv6). "
    "Use the session pooler: its host stands in the dashboard under Connect, port 5432"
)


async def explain(error: BaseException, address: DatabaseAddress, variable: str) -> str:
    """What the failure of a connection or query means; never a server's own words, which may hold data."""
    where = f"{address.hosts or 'the local socket'} in {variable}"
    if isinstance(error, asyncpg.PostgresError):
        return _refusal(error, address, variable)
    if isinstance(error, ssl.SSLError):
        return f"the certificate of {where} is not one that sslrootcert vouches for: download that again"
    if isinstance(error, OSError) and "rejected SSL upgrade" in str(error):
        return f"{where} does not offer TLS, which sslmode asks for: check the host, or switch TLS on there"
    if isinstance(error, asyncpg.ClientConfigurationError):
        return f"{variable} cannot be used as it is: check it against .env.example"
    if isinstance(error, OSError) and await _is_ipv6_only(address, error):
        return f"{where} {_IPV6_HINT}"
    if isinstance(error, socket.gaierror):
        return f"{where} is not a known host: check its spelling"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {where}: check host and port"
    return f"{where} does not respond; it is tried again"


def _refusal(error: asyncpg.PostgresError, address: DatabaseAddress, variable: str) -> str:
    words = str(error).lower()
    if isinstance(error, asyncpg.InvalidPasswordError):
        return f"the password of {address.role} in {variable} is refused"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"the database that {variable} names does not exist; on Supabase it is postgres"
    if "tenant or user not found" in words:
        return (
            f"the pooler does not know {address.role}: in {variable} write the role as "
            "role.<project reference>, and take the host from the dashboard under Connect"
        )
    if are_all_taken(error):
        return "all connections of this role are taken; it waits in line and is tried again"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"the server refuses {address.role} in {variable}: apply the migrations, which create the role"
    return f"the database refuses what it is asked (SQLSTATE {error.sqlstate}); it is tried again"


async def _is_ipv6_only(address: DatabaseAddress, error: OSError) -> bool:
    """Whether the host has no IPv4 address, and that can be why it was not reached."""
    named = address.host_names[0] if address.host_names else ""
    if isinstance(error, socket.gaierror):
        return address.is_supabase_direct
    if ":" in named:
        return error.errno in _UNREACHABLE
    try:
        families = {found[0] for found in await asyncio.get_running_loop().getaddrinfo(named, None)}
    except OSError:
        return False
    return families == {socket.AF_INET6} and error.errno in _UNREACHABLE

"""The URL of a database login: what is wrong with one, in words, and the address that it names.

Decision 0119. See docs/contracts/postgres.md#connecting-to-a-hosted-database.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

LOOKS_LIKE = "it should look like postgresql://role:password@host:5432/postgres"
TRANSACTION_POOLER = (
    "leads to a transaction pooler, which loses prepared statements between transactions: "
    "use the session pooler or the direct connection (port 5432)"
)
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^:,\[\]]+)(:[0-9]{1,5})?"
_HOSTS = re.compile(rf"({_HOST}(,{_HOST})*)?")  # a database URL may name several
_ENCRYPTED = ("require", "verify-ca", "verify-full")
_SSL_MODES = ("disable", "allow", "prefer", *_ENCRYPTED)
_OPTIONS = {
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
}
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNESCAPED = (
    "has a character in the password that must be escaped: "
    "@ as %40, / as %2F, # as %23, ? as %3F, : as %3A, % as %25"
)


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a login URL leads, without its password. `hosts` are as written, several separated by commas."""

    hosts: str
    role: str

    @property
    def host_names(self) -> list[str]:
        return [match[1].strip("[]") for match in re.finditer(_HOST, self.hosts)]

    @property
    def is_supabase_pooler(self) -> bool:
        return any(host.endswith(".pooler.supabase.com") for host in self.host_names)

    @property
    def is_supabase_direct(self) -> bool:
        return any(re.fullmatch(r"db\.\w+\.supabase\.co", host) for host in self.host_names)


def address(url: str) -> DatabaseAddress:
    """The address of a URL in which `problem` finds nothing."""
    login, _, hosts = urlsplit(url).netloc.rpartition("@")
    return DatabaseAddress(hosts, unquote(login.partition(":")[0]))


def is_private(host: str) -> bool:
    """A host on this machine, a private address, or a bare name of a private network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.startswith("/")


def problem(url: str) -> str | None:
    """What is wrong with a login URL, as a clause after the variable's name; None if nothing is."""
    if "change-me" in url:
        return "still holds the placeholder of .env.example; put the role's real login here"
    if "[YOUR-PASSWORD]" in unquote(url).upper():
        return (
            "still has [YOUR-PASSWORD], as the dashboard shows it: put the password there, without brackets"
        )
    if driver := re.match(r"(postgres(?:ql)?)\+\w+:", url):
        return f"starts with {driver[0]}//; write {driver[1]}:// (a driver is not named here)"
    try:
        parts, named = urlsplit(url), address(url)
    except ValueError:
        return f"is not a valid database URL; {LOOKS_LIKE}"
    return _of_the_login(url, parts) or _of_the_options(parts, named) or _of_the_address(parts, named)


def _of_the_login(url: str, parts: SplitResult) -> str | None:
    login = parts.netloc.rpartition("@")[0]
    # An unescaped / ? or # ends the host part early: the @ then stands behind it.
    is_postgresql = parts.scheme in ("postgresql", "postgres")
    if is_postgresql and ("@" in login or login.count(":") > 1 or _BARE_PERCENT.search(login)):
        return _UNESCAPED
    if is_postgresql and not login and "@" in url:
        return _UNESCAPED
    hosts = parts.netloc.rpartition("@")[2]
    if not is_postgresql or _HOSTS.fullmatch(hosts) is None or not _ports_exist(hosts):
        return f"is not a valid database URL; {LOOKS_LIKE}"
    return None


def _ports_exist(hosts: str) -> bool:
    return all(0 < int(match[2][1:]) < 65536 for match in re.finditer(_HOST, hosts) if match[2])


def _of_the_options(parts: SplitResult, named: DatabaseAddress) -> str | None:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - _OPTIONS):
        return (
            f"has ?{unknown[0]}=…, which is for other programs: remove it (sslmode and sslrootcert are known)"
        )
    return _of_the_encryption(options.get("sslmode", "prefer"), options.get("sslrootcert", ""), named)


def _of_the_encryption(mode: str, authority: str, named: DatabaseAddress) -> str | None:
    if mode not in _SSL_MODES:
        return f"has an unknown sslmode; use {', '.join(_ENCRYPTED)}"
    if mode not in _ENCRYPTED and not all(is_private(unquote(host)) for host in named.host_names):
        return (
            "leaves this machine unencrypted: add ?sslmode=require, "
            "or better ?sslmode=verify-full&sslrootcert=<file with the project's certificate>"
        )
    if mode.startswith("verify") and not Path(authority).is_file():
        return f"asks for sslmode={mode}, but sslrootcert names no file: download the project's certificate"
    return None


def _of_the_address(parts: SplitResult, named: DatabaseAddress) -> str | None:
    if re.search(r"\.supabase\.com?:6543\b", named.hosts):
        return TRANSACTION_POOLER
    if named.is_supabase_pooler and "." not in named.role:
        role = named.role or "role"
        return f"names the role {role}; through Supabase's pooler it is {role}.<project reference>"
    if named.is_supabase_direct and "." in named.role:
        plain = named.role.partition(".")[0]
        return f"names the role {named.role}; on the direct connection it is {plain} alone"
    return None if parts.path.strip("/") else f"names no database; {LOOKS_LIKE}"

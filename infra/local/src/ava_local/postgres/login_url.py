"""Login URLs for other roles of the same database."""

from urllib.parse import quote, urlsplit, urlunsplit


def with_login(url: str, role: str, password: str) -> str:
    """The same database, logged in as another role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{address}"))

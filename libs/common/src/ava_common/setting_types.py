"""The types of settings: what a secret, a URL and a level must be, and what is said of one that is not.

Decision 0119.
"""

import re
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from ava_common import database_url
from ava_common.database_url import is_private

SECRET_MIN_CHARACTERS = 16
_SERVICE_PATH = r"/[a-z]+/v[0-9]+$"
_PROJECT = "it should look like https://<project reference>.supabase.co"


def copied_from(where: str) -> AfterValidator:
    """What a secret must be that only others can give; `where` is where they show it."""
    return _strong(f"copy it whole from {where}")


def _strong(remedy: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        if value.startswith("change-me"):
            raise ValueError("still holds the placeholder of .env.example; put a real secret here")
        if len(value) < SECRET_MIN_CHARACTERS:
            raise ValueError(f"is shorter than {SECRET_MIN_CHARACTERS} characters; {remedy}")
        return secret

    return AfterValidator(check)


def _database_url(url: SecretStr) -> SecretStr:
    if problem := database_url.problem(url.get_secret_value()):
        raise ValueError(problem)
    return url


def _for_a_header(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.lower().startswith("bearer "):
        raise ValueError("begins with Bearer: put only what follows it here")
    if not all("!" <= character <= "~" for character in value) or {value[0], value[-1]} & {"'", '"'}:
        raise ValueError("has a space, a quote or a line break in it, perhaps from copying: remove it")
    return secret


def _project(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "supabase.com" or host.endswith(".supabase.com"):
        raise ValueError(f"does not lead to the project but to Supabase's own pages; {_PROJECT}")
    if host.startswith("db.") and host.endswith(".supabase.co"):
        raise ValueError(f"names the host of the database; {_PROJECT}")
    # One that is hosted elsewhere may have a path of its own before them.
    found = re.search("/.*" if host.endswith(".supabase.co") else _SERVICE_PATH, parts.path)
    if found:
        raise ValueError(f"must be the project's address alone: remove {found[0]}")
    return url


def _http_url(url: str) -> str:
    if " " in url or not url.isprintable():
        raise ValueError("has a space or a line break in it, perhaps from copying: remove it")
    host = _http_host(url)
    if not host or {*host} & {*"<>"}:
        raise ValueError("is not a valid URL; it should look like https://host or http://127.0.0.1:8080")
    if host.startswith("change-me"):
        raise ValueError("still holds the placeholder of .env.example; put the real address here")
    if urlsplit(url).scheme == "http" and not is_private(host):
        raise ValueError("must start with https:// because it leaves this machine")
    return url.rstrip("/")


def _http_host(url: str) -> str | None:
    """The host an http(s) URL names; None when there is none, or it cannot be read."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.scheme in ("http", "https") and parts.port != 0 else None
    except ValueError:  # the library says it in its own words
        return None


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _level(value: object) -> object:
    name = value.upper() if isinstance(value, str) else value
    return "WARNING" if name == "WARN" else name


T = TypeVar("T")

for_a_header = AfterValidator(_for_a_header)
"""For a secret sent in a header, where a line break or a quote from copying would only look refused."""

Secret = Annotated[SecretStr, _strong("make one with: openssl rand -hex 32")]
"""A secret of the owner's own that never prints; empty, short and placeholder values refuse the start."""

ApiKey = Annotated[Secret, for_a_header]
"""A secret of the owner's own that is sent in a header."""

JwtSecret = Annotated[SecretStr, copied_from("Supabase (project settings > JWT keys)")]
"""The secret with which a project of Supabase signed its tokens before it had keys."""

DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
"""The login URL of a service's own database role; a placeholder or anything else refuses the start."""

Secrets = Annotated[list[T], NoDecode, BeforeValidator(_split), Field(min_length=1)]
"""One or more secrets, comma-separated, the current one first: two at once are a rotation."""

Url = Annotated[str, AfterValidator(_http_url)]
"""An http(s) base URL without a trailing slash; plain http only to private hosts."""

ProjectUrl = Annotated[Url, AfterValidator(_project)]
"""The base URL of a Supabase project, hosted or not, without the path of one of its services."""

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NOTSET"], BeforeValidator(_level)
]
"""The least severe lines that are logged, as Python's logging names them; upper or lower case."""

Seconds = Annotated[float, Field(ge=0.01, le=31_536_000)]
"""A time to wait: long enough that nothing turns in circles, and at most a year."""

Patience = Annotated[Seconds, Field(ge=0.1)]
"""The time in which a call must be answered; in less, nothing ever is."""

Days = Annotated[float, Field(ge=0.01, le=36_500)]
"""How long something is kept: a quarter of an hour to a hundred years."""

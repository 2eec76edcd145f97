"""The common library knows no service: it has none of their names, routes, variables or ports."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "libs" / "common" / "src"
SERVICES = [path.parent for path in sorted((ROOT / "services").glob("*/openapi.json"))]
# What every service for signed-in users is told, and the library reads for all of them.
SHARED_VARIABLES = {"LOG_LEVEL", "SUPABASE_URL", "SUPABASE_JWT_SECRET", "SUPABASE_JWT_ISSUER"}
# The name of auth is also a word of httpx (`auth=`, `auth_flow`) and of Supabase (`/auth/v1`, supabase-auth).
AUTH = r"(?<![\w/])(?<!supabase-)auth(?:_(?!flow\b)\w+|(?![\w=/]))"


def names() -> str:
    """The services by name or by a part of it, also inside a package or a role such as ava_profile."""
    parts = {part for service in SERVICES for part in service.name.split("-")} - {"auth"}
    return f"(?i:{'|'.join(sorted(parts))})|ava_auth|{AUTH}"


def routes() -> str:
    """The first part of every path that a service answers, apart from the well-known ones."""
    described = [json.loads((service / "openapi.json").read_text("utf-8")) for service in SERVICES]
    paths = {path.split("/")[1] for document in described for path in document["paths"]} - {".well-known"}
    return rf"(?<!\w)/(?:{'|'.join(sorted(paths))})(?![\w-])(?!/v1)"


def variables() -> str:
    """Every variable that an example names, also where it is switched off, apart from the shared ones."""
    named = re.compile(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
    found = {name for service in SERVICES for name in named.findall((service / ".env.example").read_text())}
    return rf"\b(?:{'|'.join(sorted(found - SHARED_VARIABLES))})\b"


def ports() -> str:
    """The ports of the services behind the edge proxy, as its example and their images have them."""
    proxied = (ROOT / "infra" / "caddy" / ".env.example").read_text()
    found = set(re.findall(r"_UPSTREAM=\S+:(\d+)", proxied))
    found |= {port for service in SERVICES for port in _exposed(service)}
    return rf"\b(?:{'|'.join(sorted(found))})\b"


def _exposed(service: Path) -> list[str]:
    return re.findall(r"^EXPOSE (\d+)", (service / "Dockerfile").read_text(), re.MULTILINE)


FOREIGN = {"name": names(), "route": routes(), "variable": variables(), "port": ports()}


def foreign(text: str) -> list[str]:
    """What the text says of a service, such as `route: /profile`."""
    return [f"{kind}: {hit[0]}" for kind, words in FOREIGN.items() for hit in re.finditer(words, text)]


@pytest.mark.parametrize("source", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_knows_a_service(source: Path) -> None:
    assert foreign(source.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("asks auth for a token", "name"),
        ("auth's keys", "name"),
        ('AUTH_NAME = "urn:ava:auth"', "name"),
        ("from ava_auth import flows", "name"),
        ("settings.auth_url", "name"),
        ("auth_issuer: str", "name"),
        ("the gateway acts for a user", "name"),
        ("A Profile has no avatar", "name"),
        ("the role ava_messaging", "name"),
        ("WhatsApp", "name"),
        ("send it to /auth/login", "route"),
        ('f"{url}/auth/session"', "route"),
        ('"/internal/tokens"', "route"),
        ("/profile", "route"),
        ('"/messages/{message_id}"', "route"),
        ("/webhooks/whatsapp", "route"),
        ("AUTH_URL", "variable"),
        ("AUTH_ISSUER", "variable"),
        ("GRAPH_API_URL", "variable"),
        ("SUPABASE_SECRET_KEY", "variable"),
        ("http://127.0.0.1:8083", "port"),
        ("port = 8000", "port"),
    ],
)
def test_what_a_module_must_not_know_is_found(text: str, kind: str) -> None:
    assert kind in {found.partition(":")[0] for found in foreign(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Authorization, authentication, Authenticate",
        'f"{url}/auth/v1/.well-known/jwks.json"',
        "Supabase Auth",
        "class on_behalf_of(httpx.Auth):",
        "def auth_flow(self, request):",
        "client.get(path, auth=on_behalf_of(caller))",
        "https://www.rfc-editor.org/rfc/rfc9457 on port 8080, 8192 characters",
        "error.message, a message, messages",
        "SUPABASE_URL, SUPABASE_JWT_SECRET, LOG_LEVEL",
    ],
)
def test_generic_words_are_not_a_services(text: str) -> None:
    assert foreign(text) == []

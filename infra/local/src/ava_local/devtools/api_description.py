"""Merge the services' OpenAPI descriptions into the one that the edge proxy serves at /openapi.json.

Decision 0123.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ava_local.repository import ROOT

SERVICES = ("auth", "profile", "messaging", "whatsapp-gateway")
MERGED = ROOT / "services/auth/src/ava_auth/static/openapi.json"
PUBLIC_SCHEMES = ("HTTPBearer",)

DESCRIPTION = """\
Sign up and log in, create an avatar, link a WhatsApp number, and read what was said.

Send the `access_token` of `POST /auth/login` as `Authorization: Bearer …`. A refusal is a problem document
(RFC 9457): `type` is stable, `detail` says what to do, `errors` names the fields. Lists are paged by cursor:
pass `next` as `cursor` and keep the filters. Fields, statuses and operations may be added at any time, so
ignore what you do not know.
"""

TAGS = {
    "accounts": "Sign up, log in, refresh and log out, with the tokens in the bodies: for programs.",
    "my account": "Your password, everything stored about you, and leaving.",
    "browser session": "The same for Ava's own web page, with the tokens in cookies that no script can read.",
    "avatar": "The companion you describe: one for each account.",
    "preferences": "The WhatsApp number you write from.",
    "messages": "Everything that was said, in the app and on WhatsApp.",
    "keys": "The public keys of tokens that services are given to act for you.",
    "webhook": "Where Meta delivers WhatsApp messages. Not for clients.",
}

# What the edge proxy itself may answer, whatever the service behind it would.
EDGE = {
    "500": "Something went wrong on our side",
    "502": "The service behind this address is not responding",
    "503": "The service behind this address is not responding",
    "504": "The service behind this address took too long",
}
EDGE_WITH_BODY = {"413": "The body of this request is too large"}

Json = dict[str, Any]


class SchemasDiffer(Exception):
    """Two services describe different schemas under one name; rename one of them."""


def merged() -> Json:
    """The public operations of all services as one description."""
    descriptions = [json.loads((ROOT / "services" / name / "openapi.json").read_text()) for name in SERVICES]
    paths = {path: item for one in descriptions for path, item in public_paths(one).items()}
    return {
        "openapi": descriptions[0]["openapi"],
        "info": {
            "title": "Ava",
            "version": descriptions[0]["info"]["version"],
            "summary": "A personal companion that people reach on WhatsApp.",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The Ava that serves this page"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": needed(merged_schemas(descriptions), paths),
            "securitySchemes": {
                name: scheme
                for one in descriptions
                for name, scheme in one["components"].get("securitySchemes", {}).items()
                if name in PUBLIC_SCHEMES
            },
        },
    }


def public_paths(description: Json) -> Json:
    """Without what only services may ask; with what the edge proxy answers itself."""
    public = {
        path: {
            method: at_the_edge(operation)
            for method, operation in item.items()
            if not operation.get("x-internal")
        }
        for path, item in description["paths"].items()
    }
    return {path: item for path, item in public.items() if item}


def at_the_edge(operation: Json) -> Json:
    """The operation as a client of the edge proxy meets it; what needs no token says so."""
    extra = EDGE | (EDGE_WITH_BODY if "requestBody" in operation else {})
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    statuses = {status: {"description": words, "content": content} for status, words in extra.items()}
    return {
        **operation,
        "security": operation.get("security", []),
        "responses": dict(sorted({**statuses, **operation["responses"]}.items())),
    }


def merged_schemas(descriptions: Iterable[Json]) -> Json:
    """The schemas of all services. Raises SchemasDiffer."""
    schemas: Json = {}
    for one in descriptions:
        for name, schema in one["components"]["schemas"].items():
            if schemas.setdefault(name, schema) != schema:
                raise SchemasDiffer(name)
    return schemas


def needed(schemas: Json, paths: Json) -> Json:
    """The schemas that these paths refer to, and those that they refer to in turn."""
    wanted: set[str] = set()
    text = json.dumps(paths)
    while found := {name for name in schemas if f'"#/components/schemas/{name}"' in text} - wanted:
        wanted |= found
        text = json.dumps([schemas[name] for name in found])
    return {name: schemas[name] for name in sorted(wanted)}


def write(target: Path = MERGED) -> None:
    target.write_text(json.dumps(merged(), indent=2, ensure_ascii=False) + "\n")

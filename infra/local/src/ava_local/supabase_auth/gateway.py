"""The API gateway in front of Supabase Auth: keys at the door, roles behind it (contract 1.10 and 2.3)."""

import hmac
import re
import time
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ava_local.supabase_auth.keys import SigningKeys
from ava_local.supabase_auth.settings import Settings

PREFIX = "/auth/v1"
OPEN = ("/verify", "/callback", "/authorize", "/.well-known/jwks.json")
BROWSER = re.compile(r"^(Mozilla|Opera)/", re.IGNORECASE)
OPAQUE_BEARER = re.compile(r"bearer\s+(sb_\S+)", re.IGNORECASE)
UNKNOWN_KEY = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}
NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
BROWSER_KEY = {
    "message": "Forbidden use of secret API key in browser",
    "hint": "Secret API keys can only be used in a protected environment and should never be used in a "
    "browser. Delete this secret API key immediately.",
}
ROLE_TOKEN_LIFE = 300


class Refused(Exception):
    """A request that does not get past the gateway, with the body it is told."""

    def __init__(self, body: dict[str, str]) -> None:
        super().__init__(body["message"])
        self.body = body


class Gateway:
    """Pure ASGI: checks the `apikey`, then gives the request the role that key stands for."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: SigningKeys) -> None:
        self._app, self._keys = app, keys
        self._roles = _roles(settings)
        self._secret_keys = set(settings.secret_keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = MutableHeaders(raw=list(scope["headers"]))
            try:
                self._admit(headers, scope)
            except Refused as refused:
                return await JSONResponse(refused.body, 401)(scope, receive, send)
            scope = {**scope, "headers": headers.raw}
        return await self._app(scope, receive, send)

    def _admit(self, headers: MutableHeaders, scope: Scope) -> None:
        key = headers.get("apikey") or _key_in(scope["query_string"])
        if key not in self._secret_keys and "sb-forwarded-for" in headers:
            del headers["sb-forwarded-for"]  # only a secret key may speak for somebody else's address
        if scope["path"].removeprefix(PREFIX) in OPEN:
            return
        if not key:
            raise Refused(NO_KEY)
        role = self._role_of(key)
        if key in self._secret_keys and BROWSER.match(headers.get("user-agent", "")):
            raise Refused(BROWSER_KEY)
        self._authorize(headers, key, role)

    def _authorize(self, headers: MutableHeaders, key: str, role: str) -> None:
        """A person's token passes unchanged; none, or the key itself, becomes the key's role."""
        given = headers.get("authorization")
        opaque = OPAQUE_BEARER.fullmatch(given or "")
        if opaque and opaque[1] != key:
            raise Refused(UNKNOWN_KEY)
        if not given or opaque:
            now = int(time.time())
            claims = {"iss": "supabase", "role": role, "iat": now, "exp": now + ROLE_TOKEN_LIFE}
            headers["authorization"] = f"Bearer {self._keys.sign(claims)}"

    def _role_of(self, key: str) -> str:
        given = key.encode()
        for known, role in self._roles:
            if hmac.compare_digest(given, known):
                return role
        raise Refused(UNKNOWN_KEY)


def _key_in(query: bytes) -> str:
    return "".join(parse_qs(query.decode("latin-1")).get("apikey", [])[:1])


def _roles(settings: Settings) -> list[tuple[bytes, str]]:
    """Every key that opens the door, with the role behind it; legacy keys count only when configured."""
    keys = [(key, "anon") for key in settings.publishable_keys]
    keys += [(key, "service_role") for key in settings.secret_keys]
    if settings.anon_key:
        keys.append((settings.anon_key.get_secret_value(), "anon"))
    if settings.service_role_key:
        keys.append((settings.service_role_key.get_secret_value(), "service_role"))
    return [(key.encode(), role) for key, role in keys]

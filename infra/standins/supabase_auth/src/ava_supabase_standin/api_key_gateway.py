"""What the API gateway in front of Supabase Auth does: check the `apikey`, give the request its role.

Decision 0020. See docs/contracts/supabase-auth.md#keys.
"""

import hmac
import re
import time
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ava_supabase_standin.settings import Settings
from ava_supabase_standin.signing_keys import SigningKeys

PREFIX = "/auth/v1"
KEYLESS_PATHS = ("/verify", "/callback", "/authorize", "/.well-known/jwks.json")
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
ROLE_TOKEN_SECONDS = 300


class KeyRejected(Exception):
    """A request the gateway rejects, with the response body."""

    def __init__(self, body: dict[str, str]) -> None:
        super().__init__(body["message"])
        self.body = body


class ApiKeyGateway:
    """Pure ASGI: checks the `apikey`, then gives the request the role of that key."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: SigningKeys) -> None:
        self._app, self._keys = app, keys
        self._roles = _roles(settings)
        self._secret_keys = set(settings.secret_keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = MutableHeaders(raw=list(scope["headers"]))
            try:
                self._authenticate_key(headers, scope)
            except KeyRejected as rejected:
                return await JSONResponse(rejected.body, 401)(scope, receive, send)
            scope = {**scope, "headers": headers.raw}
        return await self._app(scope, receive, send)

    def _authenticate_key(self, headers: MutableHeaders, scope: Scope) -> None:
        key = headers.get("apikey") or _key_in(scope["query_string"])
        if key not in self._secret_keys and "sb-forwarded-for" in headers:
            del headers["sb-forwarded-for"]  # only a secret key may name another address
        if scope["path"].removeprefix(PREFIX) in KEYLESS_PATHS:
            return
        if not key:
            raise KeyRejected(NO_KEY)
        role = self._role_of(key)
        if key in self._secret_keys and BROWSER.match(headers.get("user-agent", "")):
            raise KeyRejected(BROWSER_KEY)
        self._set_role(headers, key, role)

    def _set_role(self, headers: MutableHeaders, key: str, role: str) -> None:
        """A user's token passes unchanged; a missing one, or the key itself, becomes the key's role."""
        given = headers.get("authorization")
        opaque = OPAQUE_BEARER.fullmatch(given or "")
        if opaque and opaque[1] != key:
            raise KeyRejected(UNKNOWN_KEY)
        if not given or opaque:
            now = int(time.time())
            claims = {"iss": "supabase", "role": role, "iat": now, "exp": now + ROLE_TOKEN_SECONDS}
            headers["authorization"] = f"Bearer {self._keys.sign(claims)}"

    def _role_of(self, key: str) -> str:
        given = key.encode()
        for known, role in self._roles:
            if hmac.compare_digest(given, known):
                return role
        raise KeyRejected(UNKNOWN_KEY)


def _key_in(query: bytes) -> str:
    return "".join(parse_qs(query.decode("latin-1")).get("apikey", [])[:1])


def _roles(settings: Settings) -> list[tuple[bytes, str]]:
    """Every valid key with its role; legacy keys count only if configured."""
    keys = [(key, "anon") for key in settings.publishable_keys]
    keys += [(key, "service_role") for key in settings.secret_keys]
    if settings.anon_key:
        keys.append((settings.anon_key.get_secret_value(), "anon"))
    if settings.service_role_key:
        keys.append((settings.service_role_key.get_secret_value(), "service_role"))
    return [(key.encode(), role) for key, role in keys]

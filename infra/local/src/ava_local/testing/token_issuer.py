"""A test double: a JWKS server, and tokens signed as Supabase Auth and Ava's auth service would."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

SUPABASE_KEYS = "/auth/v1/.well-known/jwks.json"
AUTH_KEYS = "/.well-known/jwks.json"
AUTH_ISSUER = "urn:ava:auth"
SUPABASE_USER = "/auth/v1/user"
SESSION_CHECK = "/internal/session"


class SigningKey:
    """An ES256 key pair with an id; `published` is its public JWK."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.published = public | {"kid": kid, "alg": "ES256", "use": "sig"}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(claims, self.private, "ES256", headers={"kid": self.kid} | headers)


class Issuer:
    """Serves both key sets at `url` (use it as SUPABASE_URL and AUTH_URL) and signs tokens for them.

    Every session lives but those in `ended`, given by their tokens; with `away` nobody can say.
    """

    def __init__(self) -> None:
        self.supabase, self.auth = SigningKey("supabase-1"), SigningKey("auth-1")
        self.key_sets = {SUPABASE_KEYS: [self.supabase.published], AUTH_KEYS: [self.auth.published]}
        self.fetches = 0
        self.ended: set[str] = set()
        self.away = False
        self.session_checks: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                if self.path == SESSION_CHECK:
                    self.answer(*issuer.checked(token))
                elif self.path == SUPABASE_USER:
                    self.answer(*issuer.user(token))
                else:
                    issuer.fetches += 1
                    keys = issuer.key_sets.get(self.path)
                    self.answer(404 if keys is None else 200, {"keys": keys or []})

            def answer(self, status: int, body: dict[str, Any] | None) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                if body is not None:
                    self.wfile.write(json.dumps(body).encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Not logged."""

        return Handler

    def checked(self, token: str) -> tuple[int, dict[str, Any] | None]:
        """What auth's `/internal/session` answers."""
        self.session_checks.append(token)
        if self.away:
            return 503, {"type": "urn:ava:problem:sessions-unavailable"}
        return (401, {"type": "urn:ava:problem:session-ended"}) if token in self.ended else (204, None)

    def user(self, token: str) -> tuple[int, dict[str, Any]]:
        """What Supabase Auth's `/user` answers."""
        if token in self.ended:
            return 403, {"code": 403, "error_code": "session_not_found", "msg": "ended"}
        claims = jwt.decode(token, options={"verify_signature": False})
        born = "2026-01-01T00:00:00Z"
        named = {"id": claims["sub"], "email": claims.get("email"), "aud": "authenticated"}
        return 200, {**named, "app_metadata": {}, "user_metadata": {}, "created_at": born, "updated_at": born}

    def claims(self, user: UUID | str, **overrides: Any) -> dict[str, Any]:
        """The claims of a user's access token as Supabase Auth issues them; None removes a claim."""
        now = int(time.time())
        standard = {
            "iss": f"{self.url}/auth/v1",
            "aud": "authenticated",
            "sub": str(user),
            "role": "authenticated",
            "iat": now,
            "exp": now + 3600,
            "session_id": str(uuid4()),
            "email": f"{user}@people.test",
        }
        return {name: value for name, value in (standard | overrides).items() if value is not None}

    def token(self, user: UUID | str, **overrides: Any) -> str:
        return self.supabase.sign(self.claims(user, **overrides))

    def delegated(self, user: UUID | str, **overrides: Any) -> str:
        """A token as auth's `/internal/tokens` issues to the gateway."""
        now = int(time.time())
        own = {"iss": AUTH_ISSUER, "exp": now + 120, "act": {"sub": "whatsapp-gateway"}, "jti": str(uuid4())}
        return self.auth.sign(self.claims(user, session_id=None, email=None, **(own | overrides)))

    def bearer(self, user: UUID | str, **overrides: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user, **overrides)}"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """One token issuer for the whole test run."""
    served = Issuer()
    yield served
    served.close()

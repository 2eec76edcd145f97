"""SCRAM verifiers: what PostgreSQL stores of a password, so that no statement log ever holds one."""

import base64
import hashlib
import hmac
import secrets
import unicodedata

ITERATIONS = 4096
SALT_BYTES = 16


def scram_verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """As `alter role … password` accepts it (RFC 5802 and PostgreSQL's pg_authid).

    Characters are composed as SASLprep does it (NFKC); its other steps change no password made here.
    """
    salt = salt or secrets.token_bytes(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", unicodedata.normalize("NFKC", password).encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = base64.b64encode(hashlib.sha256(client_key).digest()).decode()
    server = base64.b64encode(hmac.digest(salted, b"Server Key", "sha256")).decode()
    return f"SCRAM-SHA-256${iterations}:{base64.b64encode(salt).decode()}${stored}:{server}"

"""Only Meta's own bytes are let in."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.webhook.endpoint import is_genuine

SECRETS = [b"the current secret", b"the previous secret"]
BODY = rb'{"text":"f\u00fcr dich","url":"https:\/\/example.org"}'


def header(body: bytes, secret: bytes = SECRETS[0]) -> bytes:
    return b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


@pytest.mark.parametrize("secret", SECRETS)
def test_each_secret_of_a_rotation_is_accepted(secret: bytes) -> None:
    assert is_genuine(header(BODY, secret), BODY, SECRETS)


def test_the_raw_bytes_are_signed_and_nothing_else() -> None:
    signed = header(BODY)
    for other in (json.dumps(json.loads(BODY)).encode(), BODY + b" ", BODY[:-1], b""):
        assert not is_genuine(signed, other, SECRETS)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"sha256=",
        header(BODY).removeprefix(b"sha256="),
        header(BODY).upper(),
        b"SHA256=" + header(BODY)[7:],
        b"sha1=" + header(BODY)[7:],
        header(BODY) + b"0",
        header(BODY) + b"\n",
        b" " + header(BODY),
        header(BODY)[:-1] + b"\xe4",
        "sha256=ä".encode("latin-1"),
        header(BODY, b"another app's secret"),
    ],
)
def test_anything_but_the_exact_header_is_refused(bad: bytes) -> None:
    assert not is_genuine(bad, BODY, SECRETS)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_header_ever_raises_or_passes(bad: bytes, body: bytes) -> None:
    assert not is_genuine(bad, body, SECRETS)


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not is_genuine(header(BODY, b""), BODY, [])

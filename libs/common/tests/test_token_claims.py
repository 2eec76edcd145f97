"""Claims that are validly signed and odd: refused, and never an error of the service."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ava_common.token_verifier import InvalidToken, open_verifier
from ava_common.trusted_issuers import delegating_issuer, supabase_issuer
from ava_local.testing.token_issuer import AUTH_ISSUER, Issuer

PERSON = uuid4()
CLAIMS = ("exp", "iat", "nbf", "sub", "aud", "role", "session_id", "email", "act", "jti")
ODD: dict[str, list[Any]] = {
    "exp": ["9999999999", True, 1e308, 10**20, float("inf"), float("nan"), -1, [2e9], {}],
    "iat": ["1", True, 1e308, float("inf"), float("nan"), [], {}],
    "nbf": ["1", True, [], {}, float("nan")],
    "sub": [5, [], {}, "x", str(PERSON) + "\0", "\ud800"],
    "session_id": [5, {}, [], True, "\0", "\ud800", "s" * 321],
    "email": [5, {}, [], True, "a\0@b", "\ud800@b", "e" * 321],
    "aud": [["authenticated"], {}, 5],
    "role": [["authenticated"], {}, 5],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(("claim", "value"), [(name, value) for name in ODD for value in ODD[name]])
async def test_a_claim_of_an_odd_type_is_refused(issuer: Issuer, claim: str, value: Any) -> None:
    issuers = supabase_issuer(issuer.url), delegating_issuer(issuer.url, AUTH_ISSUER)
    async with open_verifier(*issuers) as verifier:
        with pytest.raises(InvalidToken):
            await verifier.verify(issuer.supabase.sign(issuer.claims(PERSON) | {claim: value}))


NOT_NAMES: list[Any] = [None, {}, [], "whatsapp-gateway", {"sub": ""}, {"sub": {"sub": "x"}}, {"sub": 1}]


@pytest.mark.parametrize("act", NOT_NAMES)
async def test_a_delegated_token_names_who_acts_as_text(issuer: Issuer, act: Any) -> None:
    issuers = supabase_issuer(issuer.url), delegating_issuer(issuer.url, AUTH_ISSUER)
    async with open_verifier(*issuers) as verifier:
        with pytest.raises(InvalidToken):
            await verifier.verify(issuer.delegated(PERSON, act=act))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(CLAIMS), JSON, max_size=4), st.booleans())
async def test_whatever_an_issuer_signs_is_accepted_or_refused(
    issuer: Issuer, claims: dict[str, Any], delegated: bool
) -> None:
    key = issuer.auth if delegated else issuer.supabase
    issuers = supabase_issuer(issuer.url), delegating_issuer(issuer.url, AUTH_ISSUER)
    async with open_verifier(*issuers) as verifier:
        try:
            caller = await verifier.verify(key.sign(issuer.claims(PERSON) | claims))
        except InvalidToken:
            return
        json.dumps(caller.claims(), ensure_ascii=False).encode()
        assert isinstance(caller.email or "", str)


@pytest.mark.parametrize("depth", [500, 1_000, 1_900])
async def test_claims_that_are_nested_deeply_are_refused(issuer: Issuer, depth: int) -> None:
    head, _, signature = issuer.token(PERSON).split(".")
    payload = json.dumps(issuer.claims(PERSON))[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    encoded = urlsafe_b64encode(payload.encode()).decode().rstrip("=")
    forged = f"{head}.{encoded}.{signature}"
    async with open_verifier(supabase_issuer(issuer.url)) as verifier:
        with pytest.raises(InvalidToken):
            await verifier.verify(forged)

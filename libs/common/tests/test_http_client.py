"""The HTTP client carries the caller's token and trace, and reads Retry-After."""

import ssl
from uuid import uuid4

import httpx
import pytest

from ava_common.caller import Caller
from ava_common.http_client import on_behalf_of, open_client, retry_after_seconds, tls_context
from ava_common.tracing import current_trace, new_trace


async def test_a_peer_is_asked_with_the_callers_token_and_trace() -> None:
    received: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return httpx.Response(200)

    async with open_client("http://peer", transport=httpx.MockTransport(answer)) as peer:
        with new_trace(request="r-1"):
            await peer.get("/x", auth=on_behalf_of(Caller(uuid4(), "the-token", 0)))
            sent = current_trace().traceparent
    assert received[0].headers["authorization"] == "Bearer the-token"
    assert received[0].headers["traceparent"] == sent
    assert received[0].headers["x-request-id"] == "r-1"


async def test_a_cookie_of_one_response_does_not_travel_with_the_next_request() -> None:
    received: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return httpx.Response(200, headers={"Set-Cookie": "session=alice; Path=/"})

    async with open_client("http://peer", transport=httpx.MockTransport(answer)) as peer:
        await peer.get("/x")
        await peer.get("/x")
    assert [request.headers.get("cookie") for request in received] == [None, None]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), (" 7 ", 7.0), ("86400", 3600.0), ("", None), ("soon", None), ("Wed, 25 Nov 2026", None)],
)
def test_retry_after_is_read_in_seconds_and_bounded(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(httpx.Response(503, headers={"Retry-After": header})) == seconds


def test_a_response_without_retry_after_gives_none() -> None:
    assert retry_after_seconds(httpx.Response(503)) is None


@pytest.mark.parametrize("url", ["https://project.supabase.co", "HTTPS://graph.facebook.com"])
def test_a_server_over_tls_must_be_certified_by_a_known_authority(url: str) -> None:
    tls = tls_context("http://auth:8000", url)
    assert tls.verify_mode == ssl.CERT_REQUIRED
    assert tls.cert_store_stats()["x509_ca"] > 100


def test_where_nothing_is_asked_over_tls_no_authority_is_loaded_and_none_is_trusted() -> None:
    tls = tls_context("http://auth:8000", "http://127.0.0.1:8084")
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls.cert_store_stats()["x509_ca"] == 0

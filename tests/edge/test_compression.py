"""Long answers are compressed for clients that ask for it; never those that may hold a token."""

import gzip

import pytest

from .conftest import Edge

LONG = b'{"messages": [' + b'"the same words again and again", ' * 200 + b"]}"
GZIP = "Accept-Encoding: gzip"


def serving(edge: Edge, service: str, media_type: str = "application/json") -> None:
    edge.services[service].reply = LONG
    edge.services[service].extra = f"Content-Type: {media_type}\r\n"


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "application/json; x=y"])
async def test_a_page_of_messages_and_an_export_are_compressed(edge: Edge, media_type: str) -> None:
    serving(edge, "messaging", media_type)
    answer = await edge.ask("GET", "/messages", GZIP)
    assert answer.header("content-encoding") == "gzip"
    assert answer.header("vary") == "Accept-Encoding"
    body = answer.body
    if answer.header("transfer-encoding"):  # chunked: the sizes stand between the pieces
        body = unchunked(body)
    assert gzip.decompress(body) == LONG
    assert len(body) < len(LONG) / 5


def unchunked(body: bytes) -> bytes:
    whole = b""
    while True:
        size, _, rest = body.partition(b"\r\n")
        if not int(size, 16):
            return whole
        whole += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]


async def test_who_does_not_ask_gets_it_as_it_is(edge: Edge) -> None:
    serving(edge, "messaging")
    answer = await edge.ask("GET", "/messages")
    assert (answer.header("content-encoding"), answer.body) == (None, LONG)


@pytest.mark.parametrize(
    ("target", "service"),
    [("/auth/login", "auth"), ("/auth/session", "auth"), ("/profile/avatar", "profile")],
)
async def test_an_answer_that_may_hold_a_secret_keeps_its_length(
    edge: Edge, target: str, service: str
) -> None:
    serving(edge, service)
    answer = await edge.ask("GET", target, GZIP)
    assert (answer.header("content-encoding"), answer.body) == (None, LONG)

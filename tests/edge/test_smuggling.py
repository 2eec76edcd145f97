"""Every request a service receives was checked by Caddy: one request in is at most one request out."""

import pytest

from .conftest import Edge

HIDDEN = b"GET /internal/tokens HTTP/1.1\r\nHost: auth\r\nX-Smuggled: yes\r\nConnection: close\r\n\r\n"
POST = b"POST /messages HTTP/1.1\r\nHost: a\r\n"


def judged(edge: Edge, answer: bytes) -> None:
    """Every request a service received is a listed one, and no hidden request was forwarded."""
    assert all(seen.target == "/messages" for seen in edge.seen), edge.seen
    assert not [seen for seen in edge.seen if seen.header("x-smuggled")]
    assert all(len(seen.all("content-length") + seen.all("transfer-encoding")) <= 1 for seen in edge.seen)
    assert answer.startswith(b"HTTP/1.1 ")


async def test_content_length_against_chunked(edge: Edge) -> None:
    body = b"0\r\n\r\n" + HIDDEN
    head = POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body)
    judged(edge, await edge.raw(head + body))


async def test_chunked_against_content_length(edge: Edge) -> None:
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
    judged(
        edge,
        await edge.raw(
            POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + body
        ),
    )


@pytest.mark.parametrize(
    "line",
    [
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding:\tchunked",
        b"X: y\nTransfer-Encoding: chunked",
        b"X: y\rTransfer-Encoding: chunked",
        b"Transfer-Encoding:\r\n chunked",
        b"transfer_encoding: chunked",
        b'Transfer-Encoding: "chunked"',
        b"Transfer-Encoding\x00: chunked",
        b"Transfer-Encoding: chunked\x00",
    ],
)
async def test_disguised_chunking_beside_a_length(edge: Edge, line: bytes) -> None:
    body = b"0\r\n\r\n" + HIDDEN
    head = POST + line + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    judged(edge, await edge.raw(head + body))


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 0\r\nContent-Length: 5",
        b"Content-Length: 0, 5",
        b"Content-Length: +5",
        b"Content-Length: -1",
        b"Content-Length: 0x5",
        b"Content-Length: 5 5",
        b"Content-Length : 5",
        b"Content-Length: 1_0",
        b"Content-Length:",
    ],
)
async def test_lengths_that_can_be_read_in_two_ways_are_refused(edge: Edge, lengths: bytes) -> None:
    answer = await edge.raw(POST + lengths + b"\r\nConnection: close\r\n\r\n" + HIDDEN)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 411", b"HTTP/1.1 200"))
    judged(edge, answer)
    assert all(seen.body == b"" for seen in edge.seen)


@pytest.mark.parametrize(
    "size", [b"0x3", b"+3", b"-1", b"3 3", b"3_0", b"ffffffffffffffff1", b"", b"\x003", b"g"]
)
async def test_invalid_chunk_sizes_never_reach_a_service(edge: Edge, size: bytes) -> None:
    request = (
        POST
        + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        + size
        + b"\r\nabc\r\n0\r\n\r\n"
        + HIDDEN
    )
    answer = await edge.raw(request)
    judged(edge, answer)
    assert not answer.startswith(b"HTTP/1.1 200")


async def test_bare_line_feeds_hide_no_second_request(edge: Edge) -> None:
    answer = await edge.raw(POST.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n" + HIDDEN)
    judged(edge, answer)


async def test_a_pipelined_request_is_judged_like_any_other(edge: Edge) -> None:
    answer = await edge.raw(b"GET /messages HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 404") == 1
    assert [seen.target for seen in edge.seen] == ["/messages"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /messages HTTP/1.1\r\n\r\n",
        b"GET /messages HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /messages HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET  /messages HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /mess ages HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /messages\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /messages HTTP/1.1\r\nHost: a\r\n X: folded\r\nBad Name: 1\r\n\r\n",
        b"GET /messages HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"GET /messages\r\nX: HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_anything_but_http_reaches_no_service(edge: Edge, head: bytes) -> None:
    answer = await edge.raw(head)
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert edge.seen == []


async def test_headers_of_a_trailer_never_become_headers_of_the_request(edge: Edge) -> None:
    body = b"2\r\n{}\r\n0\r\nAuthorization: Bearer late\r\nX-Smuggled: yes\r\n\r\n"
    head = POST + b"Transfer-Encoding: chunked\r\nTrailer: Authorization\r\nConnection: close\r\n\r\n"
    judged(edge, await edge.raw(head + body))
    assert all(seen.header("authorization") is None for seen in edge.seen)

"""An httpx client that does for a call what a peer needs, and nothing else.

Decision 0172.
"""

from typing import Any

import httpx
import orjson

from ava_common.http_client import trace_headers

_WITHOUT_BODY = ("GET", "HEAD", "DELETE")


class PeerClient(httpx.AsyncClient):
    """One service at one address: no redirects, no cookies, no proxies; an `auth` only sets a header."""

    def __init__(
        self,
        base_url: str,
        transport: httpx.AsyncBaseTransport,
        timeout_seconds: float,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(transport=transport, timeout=timeout_seconds, headers=headers, trust_env=False)
        self._peer, self._to_peer = httpx.URL(base_url), transport
        self._before_path = self._peer.raw_path.rstrip(b"/") + b"/"
        self._always = {"host": self._peer.netloc.decode("ascii"), **self.headers}
        self._limits = self.timeout.as_dict()

    def build_request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        json: Any = None,
        content: Any = None,
        params: Any = None,
        headers: Any = None,
        extensions: Any = None,
        data: Any = None,
        files: Any = None,
        cookies: Any = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Request:
        """`url` is a path; it travels as httpx's `target`, since an address takes long to take apart."""
        if data or files or cookies or timeout is not httpx.USE_CLIENT_DEFAULT:
            raise TypeError("a peer is told JSON or content, within the time for all of its calls")
        said = dict(self._always)
        if json is not None:
            said["content-type"], content = "application/json", orjson.dumps(json)
        if content or method not in _WITHOUT_BODY:
            said["content-length"] = str(len(content or b""))
        path = f"{url}?{httpx.QueryParams(params)}" if params else str(url)
        return httpx.Request(
            method,
            self._peer,
            headers=said | trace_headers() | (headers or {}),
            stream=httpx.ByteStream(content or b""),
            extensions={
                "target": self._before_path + path.lstrip("/").encode("ascii"),
                "timeout": self._limits,
                **(extensions or {}),
            },
        )

    async def send(
        self, request: httpx.Request, *, stream: bool = False, auth: Any = None, follow_redirects: Any = None
    ) -> httpx.Response:
        """The response, read whole unless its body is to be a stream."""
        if isinstance(auth, httpx.Auth):
            request = next(auth.auth_flow(request))
        response = await self._to_peer.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response

"""With a host's name as address the same file serves TLS, and says so to browsers for two years."""

import asyncio
import ssl

from .conftest import Edge, EdgeProxy


async def test_over_tls_browsers_are_told_to_stay_there(edge: Edge, edge_proxy: EdgeProxy) -> None:
    upstreams = {name: service.port for name, service in edge.services.items()}
    # Own certificates and no redirect from port 80: no internet, no privileged port.
    quiet = ("admin {$AVA_ADMIN:off}", "admin off\n\tauto_https disable_redirects")
    port, _ = edge_proxy.before(upstreams, "localhost:{port}", quiet=quiet)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    answer = edge.read(await over_tls(port, trusting))
    assert answer.status == 200
    assert answer.header("strict-transport-security") == "max-age=63072000; includeSubDomains"
    (seen,) = edge.seen
    assert seen.header("x-forwarded-proto") == "https"


async def over_tls(port: int, trusting: ssl.SSLContext) -> bytes:
    """The answer to GET / once the certificate is there: it is made in the background."""
    for _ in range(600):
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting, server_hostname="localhost"
            )
        except ssl.SSLError:
            await asyncio.sleep(0.1)
            continue
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer
    raise TimeoutError("no certificate")

"""TLS with a certificate of its own in front of a PostgreSQL that is built without TLS."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ava_local.testing.transaction_pooler import SSL_REQUEST, read_startup


@dataclass(frozen=True)
class Authority:
    """A certificate authority: `certificate` is the file that clients trust."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    certificate: Path

    @classmethod
    def create(cls, folder: Path, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        signed = _builder(subject, subject, key).add_extension(constraints, critical=True)
        file = folder / f"{name}.crt"
        file.write_bytes(signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return cls(key, subject, file)

    def server_context(self, folder: Path) -> ssl.SSLContext:
        """A server's TLS with a certificate for 127.0.0.1, signed by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "postgres")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        signed = _builder(subject, self.name, key).add_extension(names, critical=False)
        file = folder / "server.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + signed.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


@asynccontextmanager
async def tls_terminator(server_port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port on which PostgreSQL is offered with TLS, as the protocol negotiates it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await read_startup(reader)
            if int.from_bytes(first[4:8], "big") == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(context)
                first = b""
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server_port)
            server_writer.write(first)
            await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    finally:
        writer.close()

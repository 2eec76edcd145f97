"""Leads connections on: `forwarder.py ADDRESS PORT TO_HOST TO_PORT`, or `fd NUMBER` of a listening socket.

A socket belongs to the network in which it was made, wherever its process is: one that listens on this
machine is served by a process in a box.
"""

import asyncio
import socket
import sys

BACKLOG = 1024


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that comes, then the end."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def serve(listener: socket.socket, to_host: str, to_port: int) -> None:
    async def lead_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, back = await asyncio.open_connection(to_host, to_port)
        except OSError:
            writer.transport.abort()  # as it is there: refused
            return
        await asyncio.gather(copy(reader, back), copy(onward, writer), return_exceptions=True)

    server = await asyncio.start_server(lead_on, sock=listener, backlog=BACKLOG)
    await server.serve_forever()


def listening(address: str, port: int) -> socket.socket:
    if address == "fd":
        return socket.socket(fileno=port)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=BACKLOG)


if __name__ == "__main__":
    asyncio.run(serve(listening(sys.argv[1], int(sys.argv[2])), sys.argv[3], int(sys.argv[4])))

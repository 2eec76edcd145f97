"""Listens at an IPv6 address and leads each connection on: `forwarder.py ADDRESS PORT TO_HOST TO_PORT`."""

import asyncio
import sys


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve(address: str, port: int, to_host: str, to_port: int) -> None:
    async def lead_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection(to_host, to_port)
        await asyncio.gather(copy(reader, back), copy(onward, writer), return_exceptions=True)

    server = await asyncio.start_server(lead_on, address, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))

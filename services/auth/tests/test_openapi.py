"""The API description names every refusal (tests/contract proves that the committed one is current)."""

import httpx


async def test_every_operation_documents_its_refusals(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/auth/openapi.json")).json()["paths"]
    silent = [
        f"{method} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not path.startswith("/.well-known")
        and not set(operation["responses"]) - {"200", "201", "202", "204", "422"}
    ]
    assert silent == []

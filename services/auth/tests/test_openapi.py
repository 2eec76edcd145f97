"""The room keeps its own description: openapi.json is what others read, so it changes on purpose only."""

import json
import os
from pathlib import Path

import httpx

COMMITTED = Path(__file__).parents[1] / "openapi.json"


async def test_the_committed_description_is_the_rooms_own(room: httpx.AsyncClient) -> None:
    """AVA_WRITE_OPENAPI=1 writes it anew."""
    current = (await room.get("/auth/openapi.json")).json()
    if os.environ.get("AVA_WRITE_OPENAPI"):
        COMMITTED.write_text(json.dumps(current, indent=2) + "\n")
    assert json.loads(COMMITTED.read_text()) == current


async def test_every_operation_documents_its_refusals(room: httpx.AsyncClient) -> None:
    paths = (await room.get("/auth/openapi.json")).json()["paths"]
    silent = [
        f"{method} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not path.startswith("/.well-known")
        and not set(operation["responses"]) - {"200", "201", "202", "204", "422"}
    ]
    assert silent == []

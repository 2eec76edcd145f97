"""The supervisor runs for as long as the stack does, and loads only what it uses."""

import subprocess
import sys

FOR_OTHERS = ("asyncpg", "cryptography", "fastapi", "httpx", "jwt", "pydantic", "structlog")


def test_the_command_that_supervises_loads_nothing_that_others_need(processes: None) -> None:
    code = f"import sys, ava_local.cli.app; print([name for name in {FOR_OTHERS!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

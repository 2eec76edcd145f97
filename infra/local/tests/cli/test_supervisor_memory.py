"""The supervisor runs for as long as the stack does, and loads only what it uses."""

import subprocess
import sys
from pathlib import Path

FOR_OTHERS = ("asyncpg", "cryptography", "fastapi", "httpx", "jwt", "pydantic", "structlog")


def loaded_for_others(code: str) -> str:
    code += f"; import sys; print([name for name in {FOR_OTHERS!r} if name in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_command_that_supervises_loads_nothing_that_others_need(processes: None) -> None:
    assert loaded_for_others("import ava_local.cli.app") == "[]"


def test_nor_does_it_when_it_creates_the_secrets_of_a_new_stack(processes: None, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from ava_local.stack import runner
from ava_local.stack.layout import StackLayout
layout = StackLayout(Path({str(tmp_path)!r}), 8080)
layout.create_folders()
runner.prepare_start(layout, print)"""
    assert loaded_for_others(code) == "[]"
    assert (tmp_path / "secrets.json").exists()

"""`./ava up --reload`: a process is restarted when the code it runs changes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ava_local.supervisor.supervisor import Supervisor

POLL_SECONDS = 0.5

Snapshot = dict[Path, int]


async def restart_on_change(
    disabled_dir: Path, supervisor: Supervisor, watched: Mapping[str, Sequence[Path]]
) -> None:
    """Look at the folders of each process twice a second, until cancelled."""
    seen = {name: snapshot(folders) for name, folders in watched.items()}
    while watched:
        await asyncio.sleep(POLL_SECONDS)
        for name, folders in watched.items():
            now = snapshot(folders)
            if now != seen[name]:
                seen[name] = now
                await restart(disabled_dir, supervisor, name)


def snapshot(folders: Iterable[Path]) -> Snapshot:
    """When each Python file was changed last."""
    return {
        file: file.stat().st_mtime_ns for folder in folders for file in folder.rglob("*.py") if file.exists()
    }


async def restart(disabled_dir: Path, supervisor: Supervisor, name: str) -> None:
    """Stop it and let it start again, also when it had failed for good."""
    process = supervisor.supervised[name]
    (disabled_dir / name).touch()
    while process.state != "disabled":  # noqa: ASYNC110 (another task sets it)
        await asyncio.sleep(0.05)
    (disabled_dir / name).unlink(missing_ok=True)

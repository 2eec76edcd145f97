"""A group of the box's own in every cgroup hierarchy of this machine."""

import contextlib
import os
import time
from pathlib import Path


def hierarchies() -> list[Path]:
    """Where this machine's cgroup hierarchies, of either version, are mounted."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]


def create(name: str) -> list[Path]:
    """The new group in each hierarchy."""
    groups = []
    for hierarchy in hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for limit in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / limit).exists():  # version 1: a new group has none, and nothing may enter it
                (group / limit).write_text((hierarchy / limit).read_text())
        groups.append(group)
    return groups


def enter(groups: list[Path]) -> None:
    """Move this process into them."""
    for group in groups:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def remove(groups: list[Path], seconds: float = 20.0) -> None:
    """Remove them and what was made inside, once the processes in them are gone."""
    until = time.monotonic() + seconds
    for group in groups:
        while group.exists():
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
            if time.monotonic() > until:
                raise RuntimeError(f"processes are left in {group}")
            time.sleep(0.02)


def can_be_made() -> bool:
    """Whether a group can be made where memory is limited."""
    try:
        groups = create(f"ava-probe-{os.getpid()}")
    except OSError:
        return False
    remove(groups)
    return any((hierarchy / "cgroup.procs").exists() for hierarchy in hierarchies())

"""What a machine must be able to do for these tests; where it cannot, they say so, and CI fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ava_local.devtools import optional_programs
from deploy import cgroups
from deploy.box import NAMESPACES

PACKAGES = ("mmdebstrap", "slirp4netns", "openssh-client")
PROGRAMS = ("mmdebstrap", "slirp4netns", "unshare", "nsenter", "git", "ssh")


def obstacle() -> str | None:
    """Why boxes cannot run here, or None."""
    if os.geteuid() != 0:
        return "boxes need root"
    if not all(map(shutil.which, PROGRAMS)) and optional_programs.may_install():
        optional_programs.apt_install(PACKAGES)
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"boxes need {', '.join(missing)} (Debian: apt-get install {' '.join(PACKAGES)})"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "boxes need a kernel with overlayfs"
    if subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "true"], capture_output=True, check=False
    ).returncode:
        return "boxes need namespaces, which this machine does not allow"
    if not cgroups.can_be_made():
        return "boxes need control groups, which this machine does not allow to make"
    return None


def require() -> None:
    """Skip loudly where boxes cannot run; fail in CI."""
    if reason := obstacle():
        sentence = f"NOT TESTED: deployments on a container engine and on systemd: {reason}."
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(sentence)
        pytest.skip(sentence)

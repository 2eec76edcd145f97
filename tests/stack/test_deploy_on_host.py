"""What `infra/deploy-on-host.sh` decides; the engine and systemd only keep lists, and no host is touched."""

import os
import subprocess
from pathlib import Path

import pytest

from ava_local.repository import ROOT

pytestmark = pytest.mark.usefixtures("processes")
COMMIT = "abcdefabcdef"
HEALTHY, ILL = "running 0 healthy", "running 0 unhealthy"
DOCKER = """\
#!/bin/sh
cd "$STATE"
case "$*" in
    *config_files*) cat composition ;;
    "ps -aq"*) cat stopped ;;
    "ps -q"*) cat running ;;
    version*) echo 26.1.5 ;;
    "compose version"*) echo 2.26.1 ;;
    *" run -d "*) cp trial is.ava-auth-trial || { echo "no space left on device" >&2; exit 1; } ;;
    *" up -d "*) echo new >>running; cp next is.new ;;
    inspect*) for last; do :; done; cat "is.$last" ;;
    "rm -f"*) sed -i "/^$3$/d" running stopped ;;
esac
"""
SYSTEMCTL = """\
#!/bin/sh
cd "$STATE"
for unit; do :; done
case $1 in
    is-active) grep -qx "$unit" active ;;
    is-enabled) false ;;
    start) grep -qx "$unit" active || echo "$unit" >>active ;;
    restart) [ ! -e bad ] || exit 1; echo "$unit" >>restarted; echo "$unit" >>active ;;
    disable) sed -i "/^$unit$/d" active ;;
esac
"""


class Host:
    """Folders and programs in place of a host's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("bin", "state", "run", "etc/ava", "etc/systemd/system", "infra", "services/auth"):
            (folder / name).mkdir(parents=True)
        for name, text in {"docker": DOCKER, "systemctl": SYSTEMCTL, "id": "#!/bin/sh\necho 0\n"}.items():
            self.write(f"bin/{name}", text).chmod(0o755)
        (folder / "bin/journalctl").symlink_to("/bin/true")
        for name in ("composition", "running", "stopped", "active"):
            self.write(f"state/{name}", "")
        self.write("etc/hosts", "127.0.0.1 localhost")

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def deploy(self, *options: str) -> subprocess.CompletedProcess[str]:
        script = (ROOT / "infra/deploy-on-host.sh").read_text()
        for path in ("/run/", "/etc/", "/opt/"):
            script = script.replace(path, f"{self.folder}{path}")
        return subprocess.run(
            ["sh", "-s", "--", "deploy", "auth", COMMIT, *options],
            input=script,
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "STATE": str(self.folder / "state")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def composed(tmp_path: Path) -> Host:
    """A copy runs with a newer .env than the version had that is asked for."""
    host = Host(tmp_path)
    host.write("state/composition", f"{tmp_path}/infra/docker-compose.yml\n")
    host.write("state/running", "old\n")
    host.write("state/trial", HEALTHY)
    host.write("state/next", HEALTHY)
    host.write("services/auth/.env", "present\n")
    host.write(f"services/auth/{COMMIT}.env", "then\n")
    return host


@pytest.fixture
def units(tmp_path: Path) -> Host:
    """The version is installed in place 1, with an environment of its own."""
    host = Host(tmp_path)
    version = f"opt/ava/auth/{COMMIT}"
    for name in ("complete", "ava-auth@.service", "wait-ready.py"):
        host.write(f"{version}/{name}", "")
    host.write(f"{version}/service.env", "good\n")
    host.write("etc/ava/auth.env", "good\n")
    (tmp_path / "opt/ava/auth/1").symlink_to(COMMIT)
    return host


def test_a_version_comes_although_the_copy_that_runs_is_ill(composed: Host) -> None:
    """It may be the one that puts it right."""
    composed.write("state/is.old", ILL)
    done = composed.deploy()
    assert done.returncode == 0, done.stderr
    assert composed.read("state/running") == "new\n"


def test_a_copy_that_was_stopped_is_not_started_in_place_of_the_new_one(composed: Host) -> None:
    composed.write("state/running", "")
    composed.write("state/stopped", "gone\n")
    done = composed.deploy()
    assert done.returncode == 0, done.stderr
    assert (composed.read("state/stopped"), composed.read("state/running")) == ("", "new\n")


def test_going_back_keeps_the_env_that_no_version_ran_with(composed: Host) -> None:
    assert composed.deploy().returncode == 0
    assert composed.read("services/auth/.env") == "then\n"
    assert composed.read("services/auth/before.env") == "present\n"


@pytest.mark.parametrize("place", ["trial", "next"])
def test_a_copy_that_does_not_come_leaves_the_old_one_and_its_env(composed: Host, place: str) -> None:
    composed.write(f"state/{place}", ILL)
    refused = composed.deploy()
    assert refused.returncode == 1
    assert composed.read("state/running") == "old\n"
    assert composed.read("services/auth/.env") == "present\n"


def test_why_a_container_could_not_be_made_is_said(composed: Host) -> None:
    (composed.folder / "state/trial").unlink()
    refused = composed.deploy()
    assert refused.returncode == 1
    assert "no space left on device" in refused.stderr


def test_a_composition_of_several_files_is_refused(composed: Host) -> None:
    composed.write("state/composition", "/a/docker-compose.yml,/a/own.yml\n")
    assert "from several files" in composed.deploy().stderr


def test_what_an_interrupted_deployment_left_is_started_anew(units: Host) -> None:
    """Both copies and the one on trial run something else."""
    units.write("state/active", "".join(f"ava-auth@{copy}.service\n" for copy in (1, 2, 3)))
    (units.folder / "opt/ava/auth/2").symlink_to("something else")
    done = units.deploy()
    assert done.returncode == 0, done.stderr
    assert units.read("state/restarted").split() == ["ava-auth@3.service", "ava-auth@2.service"]
    assert not (units.folder / "opt/ava/auth/1").is_symlink()


def test_a_copy_that_was_given_up_does_not_come_back_beside_the_new_one(units: Host) -> None:
    """ava-again.timer would start it."""
    (units.folder / "opt/ava/auth/1").rename(units.folder / "opt/ava/auth/2")
    done = units.deploy()
    assert done.returncode == 0, done.stderr
    assert os.readlink(units.folder / "opt/ava/auth/1") == COMMIT
    assert not (units.folder / "opt/ava/auth/2").is_symlink()


def test_a_bad_new_env_is_not_what_the_version_that_runs_starts_with_after_a_reboot(units: Host) -> None:
    units.write("state/active", "ava-auth@1.service\n")
    units.write("etc/ava/auth.env", "bad\n")
    units.write("state/bad", "")
    refused = units.deploy("new-env")
    assert "nothing was changed" in refused.stderr
    assert units.read(f"opt/ava/auth/{COMMIT}/service.env") == "good\n"


def test_a_hosts_file_without_a_last_line_end_is_continued_on_a_new_line(units: Host) -> None:
    assert units.deploy().returncode == 0
    assert units.read("etc/hosts").splitlines() == [
        "127.0.0.1 localhost",
        "127.0.0.1 ava-host",
        "127.0.0.2 ava-host",
    ]

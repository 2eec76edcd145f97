"""Every command of infra/README.md is executed as it stands there."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ava_local.postgres.cluster import Cluster
from ava_local.postgres.migrations import migrate
from ava_local.postgres.server_binaries import installed_binaries
from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES
from ava_local.testing.databases import MIGRATIONS, migrated_template, new_database, temporary_cluster
from deploy import readme
from deploy.box import HOST, wait_for
from deploy.deployments import Deployments
from deploy.systemd_host import SystemdHost
from deploy.versions import Versions

pytestmark = pytest.mark.timeout(600)
ANSWERS_YES = "yes | DEBIAN_FRONTEND=noninteractive sh -euc '\n{}'"


def test_every_block_of_the_page_is_followed_by_a_test() -> None:
    """Each is named by what stands in it, where it is executed."""
    tests = "".join(file.read_text() for file in sorted(Path(__file__).parent.glob("*.py")))
    named = re.findall(r"""readme\.commands\(\s*f?["'](.*?)["']\s*\)""", tests)
    assert [block for block in readme.blocks() if not any(name in block for name in named)] == []


@pytest.fixture(scope="module")
def own_cluster(processes: None) -> Iterator[Cluster]:
    """These commands change passwords of roles, which all databases of a server share."""
    with temporary_cluster() as running:
        yield running


@pytest.fixture
def followed(own_cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkout in which the commands of section 1 ran, for an empty database."""
    npm_programs = request.getfixturevalue("npm_programs")  # not earlier: the hosts are prepared meanwhile
    empty = asyncio.run(new_database(own_cluster, "page"))
    (tmp_path / "ava").symlink_to(ROOT / "ava")
    (tmp_path / "supabase").symlink_to(ROOT / "supabase")
    environment = {
        "PATH": f"{npm_programs}:{installed_binaries(18)}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
        "ADMIN_DATABASE_URL": empty.url("postgres"),
    }
    command = ["sh", "-euc", readme.commands("./ava secrets vps")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, input="y\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.usefixtures("preparations")
async def test_the_schema_and_the_logins_are_made_from_a_checkout(
    followed: Path, own_cluster: Cluster
) -> None:
    assert await migrate(own_cluster.url("postgres", own_cluster.password, "page"), MIGRATIONS) == []
    password = re.search(r"://ava_auth[^:]*:([^@]+)@", (followed / "vps" / "auth.env").read_text())
    assert password
    login = await asyncpg.connect(own_cluster.url("ava_auth", password[1], "page"))
    await login.close()


@pytest.fixture
def deployments(installed: SystemdHost, versions: Versions) -> Deployments:
    return Deployments(versions, installed.box, installed.ssh)


async def test_one_service_is_upgraded_with_the_commands_of_the_page(
    installed: SystemdHost, deployments: Deployments, versions: Versions
) -> None:
    versions.tag("v1.2.0", "two")
    block = readme.commands("infra/deploy --status")
    url = installed.outside.stack.database_url()
    said = await asyncio.to_thread(deployments.follow_page, block, url)
    assert f"auth {versions.commit_of('two')} active" in said


def test_the_queue_is_shown(installed: SystemdHost) -> None:
    function = readme.commands("systemd-run --quiet --pipe")
    assert json.loads(installed.box.run(f"{function}\ngateway list --state ready --json")) == []


def test_prometheus_watches_the_units(installed: SystemdHost) -> None:
    box = installed.box
    box.run(ANSWERS_YES.format(readme.sentence("install --no-install-recommends prometheus")))
    box.run("set -e\n" + readme.commands("cp infra/observe/prometheus.yml"), "/repository")

    def health() -> set[str]:
        shown = box.result("curl -sf http://127.0.0.1:9090/api/v1/targets").stdout or '{"data": {}}'
        return {
            f"{t['labels']['job']} {t['health']}" for t in json.loads(shown)["data"].get("activeTargets", [])
        }

    wait_for(lambda: health() == {f"ava-{service} up" for service in SERVICES}, "targets are not up", 60)
    rules = json.loads(box.run("curl -sf http://127.0.0.1:9090/api/v1/rules"))["data"]["groups"]
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}
    box.run("systemctl stop prometheus prometheus-alertmanager")


async def test_what_people_wrote_is_saved_and_every_row_comes_back(
    installed: SystemdHost, own_cluster: Cluster
) -> None:
    """On the host, beside its env files; the databases are reached as it reaches them."""
    drill_database = await migrated_template(own_cluster)
    box = installed.box
    inside = str(installed_binaries(18)).replace(str(ROOT), "/repository")

    def seen_from_there(url: str) -> str:
        return url.replace("@127.0.0.1:", f"@{HOST}:")

    placeholder, *lines = readme.commands("backup.sh drill").splitlines()
    assert placeholder.startswith("export ADMIN_DATABASE_URL=")
    settings = [
        f"export PATH={inside}:$PATH",
        f"export ADMIN_DATABASE_URL='{seen_from_there(installed.outside.stack.database_url())}'",
        f"export DRILL_DATABASE_URL='{seen_from_there(drill_database.url('postgres'))}'",
    ]
    box.run("mkdir -p /root/checkout && cp -r /repository/infra /root/checkout/")
    said = box.run("\n".join(["set -e", *settings, *lines]), "/root/checkout")
    assert "every row is as it was saved" in said
    source = await asyncpg.connect(installed.outside.stack.database_url())
    messages = await source.fetchval("select count(*) from public.messages")
    await source.close()
    assert messages == 0 or f"{messages} rows  public.messages\n" in said, said
    kept = box.run("tar -tf /root/checkout/ava-*.backup")
    assert "etc/ava/auth.env" in kept


def test_the_host_is_hardened_as_the_page_says(installed: SystemdHost) -> None:
    """But for the swap file, which would be this machine's own."""
    block = readme.commands("install -y ufw")
    lines = [line for line in block.splitlines() if "/swapfile" not in line]
    assert len(block.splitlines()) - len(lines) == 2
    box = installed.box
    try:
        box.run(ANSWERS_YES.format("\n".join(lines).replace("'", "'\\''")))
        assert re.search(r"443\s+ALLOW", box.run("ufw status"))
        assert "SystemMaxUse=1G" in box.run("systemd-analyze cat-config systemd/journald.conf")
    finally:
        box.result("ufw disable")

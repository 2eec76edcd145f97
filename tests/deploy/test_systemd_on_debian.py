"""The units under a real systemd: installed by infra/deploy as the page says, updated, broken, rebooted."""

import asyncio

import pytest

from ava_local.stack.environment import SERVICES
from deploy import acme, readme
from deploy.box import OWN, wait_for
from deploy.deployments import Deployments
from deploy.load import FINE, People
from deploy.systemd_host import SystemdHost
from deploy.versions import Versions

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("can_run")]


@pytest.fixture(scope="module")
def deployments(installed: SystemdHost, versions: Versions) -> Deployments:
    return Deployments(versions, installed.box, installed.ssh)


@pytest.fixture(scope="module")
def people(installed: SystemdHost) -> People:
    return People(installed.outside)


def test_the_journey_leads_through_the_units(installed: SystemdHost) -> None:
    assert installed.outside.journey_fails_at() == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_updated_and_rolled_back_under_load_unnoticed(
    installed: SystemdHost, people: People, deployments: Deployments, service: str
) -> None:
    load = people.ask(per_second=20)
    async with load.running():
        await deployments.deploy(service, "two")
        said = await deployments.deploy(service, "one")
    assert await load.account() == FINE, load
    assert "installing" not in said, "it is there already"
    running = f"{service} {deployments.versions.commit_of('one')} active restarts=0"
    assert running in (await deployments.run("--status")).stdout


def test_versions_of_one_lock_file_share_their_packages(installed: SystemdHost) -> None:
    """After the updates: both versions of auth are there, with the packages of one."""
    versions = f"/opt/ava/auth/{'[0-9a-f]' * 12}"
    shown = installed.box.run(f"stat -c %i {versions}/venv/lib/python3*/site-packages/uvicorn/main.py")
    assert len(shown.split()) == 2
    assert len(set(shown.split())) == 1


@pytest.mark.parametrize("version", ["exits", "unready"])
async def test_a_bad_version_costs_not_one_request(
    installed: SystemdHost, people: People, deployments: Deployments, version: str
) -> None:
    before = installed.unit("messaging"), (await deployments.run("--status")).stdout
    load = people.ask(per_second=50)
    async with load.running():
        said = await load.calmer_while(deployments.refused("messaging", version))
    assert "nothing was changed" in said
    assert version == "unready" or "broken on purpose" in said
    assert await load.account() == FINE, load
    assert (installed.unit("messaging"), (await deployments.run("--status")).stdout) == before


async def test_going_back_brings_the_env_of_then_and_leaves_other_services_alone(
    installed: SystemdHost, deployments: Deployments
) -> None:
    def units() -> str:
        return installed.box.run("cd /etc/systemd/system && sha256sum ava-auth@* ava-messaging@*")

    async def status() -> str:
        shown = (await deployments.run("--status")).stdout
        return "".join(line + "\n" for line in shown.splitlines() if line.startswith("profile"))

    def env_of_the_one_that_runs() -> str:
        return installed.box.run("cat /opt/ava/profile/[12]/service.env")

    others, original = units(), installed.outside.env_file("profile")
    earlier = {"two"} if deployments.versions.commit_of("two") in await status() else set()
    await asyncio.to_thread(installed.write, "/etc/ava/profile.env", original + "LOG_LEVEL='DEBUG'\n")
    await deployments.deploy("profile", "three")
    assert "DEBUG" in env_of_the_one_that_runs()
    said = await deployments.deploy("profile", "one")
    assert "DEBUG" not in env_of_the_one_that_runs()
    assert "its .env comes back as it was" in said
    done = await deployments.run("profile", "one", "--yes", "--migrations-applied", "--new-env")
    assert done.returncode == 0, done.stdout
    assert "DEBUG" in env_of_the_one_that_runs()
    assert units() == others
    tags = sorted({"three", "one"} | earlier, key=["three", "two", "one"].index)
    kept = " ".join(deployments.versions.commit_of(tag) for tag in tags)
    assert f"profile kept: {kept} \n" in await status()


async def test_a_changed_caddyfile_cuts_off_nothing_that_was_begun(
    installed: SystemdHost, people: People
) -> None:
    reloading, _ = readme.commands("systemctl reload ava-caddy").splitlines()
    load = people.ask(per_second=20, repeats=True)
    async with load.running():
        for _ in range(3):
            await asyncio.to_thread(installed.box.run, reloading)
            await asyncio.sleep(1)
    assert await load.account() == FINE, load


def is_failed(host: SystemdHost, unit: str) -> bool:
    return unit in host.box.run("systemctl --failed --plain --no-legend")


def is_active(host: SystemdHost, unit: str) -> bool:
    return host.box.result(f"systemctl is-active -q '{unit}'").returncode == 0


def test_a_restart_waits_for_readiness_and_a_crash_loop_becomes_failed_until_it_is_tried_again(
    installed: SystemdHost,
) -> None:
    unit = installed.unit("profile")
    box = installed.box
    program = box.run("ls /opt/ava/profile/[12]/app/ava_profile/app.py").strip()
    box.run(f"systemctl restart {unit}")
    assert box.run("curl -s -o /tmp/out -w '%{http_code}' http://ava-host:8084/readyz") == "200"
    box.run(f"cp -p {program} /root/app.py && echo 'raise SystemExit(1)' >>{program}")
    assert box.result(f"systemctl restart {unit}").returncode != 0
    wait_for(lambda: is_failed(installed, unit), "not failed", 90)
    assert box.run(f"systemctl show -p NRestarts --value {unit}").strip() == "4"
    box.run(f"cp -p /root/app.py {program} && systemctl start ava-again.service")
    wait_for(lambda: is_active(installed, unit), "not back", 60)


def test_a_bad_variable_is_failed_at_once(installed: SystemdHost) -> None:
    unit = installed.unit("profile")
    box = installed.box
    env = box.run("ls /opt/ava/profile/[12]/service.env").strip()
    box.run(f"cp -p {env} /root/env && sed -i s/^PROFILE_DATABASE_URL=.*/PROFILE_DATABASE_URL=wrong/ {env}")
    assert box.result(f"systemctl restart {unit}").returncode != 0
    assert is_failed(installed, unit)
    assert box.run(f"systemctl show -p NRestarts --value {unit}").strip() == "0"
    assert "PROFILE_DATABASE_URL" in box.run(f"journalctl -u {unit} -n 20 -o cat --no-pager")
    box.run(f"cp -p /root/env {env} && systemctl restart {unit}")
    assert is_active(installed, unit)


def test_everything_is_back_after_a_reboot(installed: SystemdHost) -> None:
    installed.restart_machine()
    for service in SERVICES:
        wait_for(lambda unit=f"ava-{service}@*": is_active(installed, unit), f"{service} is away", 60)  # type: ignore[misc]
    wait_for(installed.outside.is_reached, "Caddy is away")
    assert installed.outside.journey_fails_at() == []


def test_caddy_gets_a_certificate_by_itself_and_the_page_verifies_it(installed: SystemdHost) -> None:
    """The Caddyfile as it is; the authority under its usual name is a local one."""
    box = installed.box
    acme.serve(box, OWN)
    box.run(f"sed -i -e s/=:80$/={acme.NAME}/ -e s/^AVA_BIND=.*/AVA_BIND={OWN}/ /etc/ava/caddy.env")
    box.run("systemctl restart ava-caddy")
    asking = f"curl -sf https://{acme.NAME}/healthz"
    wait_for(lambda: box.result(asking).returncode == 0, "no certificate", 60)
    shown = box.run(readme.commands("curl -i https://ava.example.org/healthz"))
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("HTTP/")] == [
        "200",
        "200",
        "404",
    ]
    assert "strict-transport-security" in shown.lower()
    redirected = box.run(f"curl -s -o /tmp/out -w '%{{http_code}} %{{redirect_url}}' http://{acme.NAME}/")
    assert redirected == f"308 https://{acme.NAME}/"

"""The composition on a real container engine, unchanged; a Debian root stands in for the base image."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from ava_local.stack.environment import SERVICES
from deploy import readme
from deploy.box import HOST, wait_for
from deploy.compose_host import FOLDER, ComposeHost
from deploy.deployments import Deployments
from deploy.load import FINE, People
from deploy.versions import Versions

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("can_run")]


@pytest.fixture(scope="module")
def host(composed: ComposeHost) -> Iterator[ComposeHost]:
    """All of it runs, at version one; nothing of it afterwards."""
    yield composed
    composed.box.stop()


@pytest.fixture(scope="module")
def deployments(host: ComposeHost, versions: Versions) -> Deployments:
    return Deployments(versions, host.box)


@pytest.fixture(scope="module")
def people(host: ComposeHost) -> People:
    return People(host.outside)


def test_the_journey_leads_through_the_composed_caddy(host: ComposeHost) -> None:
    assert host.outside.journey_fails_at() == []


def test_a_container_has_the_limits_that_the_composition_states(host: ComposeHost) -> None:
    look = "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; touch /app/x 2>&1 || true"
    shown = host.compose(f'exec -T auth sh -c "{look}"')
    assert shown.split()[0] == "65532"
    assert "CapEff:\t0000000000000000" in shown
    assert "NoNewPrivs:\t1" in shown
    assert "Read-only file system" in shown
    [memory] = {
        host.box.run(f"docker inspect -f '{{{{.HostConfig.Memory}}}}' ava-{s}-1").strip() for s in SERVICES
    }
    assert int(memory) == 256 * 1024 * 1024


async def test_a_dry_run_changes_nothing(host: ComposeHost, deployments: Deployments) -> None:
    before = host.box.run("docker ps -q; docker images -q | sort")
    planned = await deployments.run("auth", "two", "--migrations-applied")
    assert planned.returncode == 0
    assert "Nothing was changed" in planned.stdout
    assert host.box.run("docker ps -q; docker images -q | sort") == before


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_updated_and_rolled_back_under_load_unnoticed(
    host: ComposeHost, people: People, deployments: Deployments, service: str
) -> None:
    load = people.ask(per_second=20)
    async with load.running():
        await deployments.deploy(service, "two")
        said = await deployments.deploy(service, "one")
    assert await load.account() == FINE, load
    assert "building" not in said, "it is there already"
    status = (await deployments.run("--status")).stdout
    assert status.count(" healthy ") == len(SERVICES), status


def test_a_version_with_the_same_lock_file_adds_only_its_sources(
    host: ComposeHost, deployments: Deployments
) -> None:
    """After the updates: the image that compose built and the one that infra/deploy built."""
    layers = [
        host.box.run(
            f"docker inspect -f '{{{{json .RootFS.Layers}}}}' ava-auth:{deployments.versions.commit_of(tag)}"
        )
        for tag in ("one", "two")
    ]
    first, second = (json.loads(each) for each in layers)
    assert first[:-2] == second[:-2]
    assert first[-2:] != second[-2:]


@pytest.mark.parametrize("version", ["exits", "unready"])
async def test_a_bad_version_costs_not_one_request(
    host: ComposeHost, people: People, deployments: Deployments, version: str
) -> None:
    before = host.box.run("docker ps -q")
    load = people.ask(per_second=50)
    async with load.running():
        said = await load.calmer_while(deployments.refused("messaging", version))
    assert "nothing was changed" in said
    assert await load.account() == FINE, load
    assert host.box.run("docker ps -q") == before


async def test_a_second_deployment_on_the_same_host_is_refused(
    host: ComposeHost, deployments: Deployments
) -> None:
    host.box.start("flock /run/ava-deploy.lock sh -c 'until [ -e /run/enough ]; do sleep 0.1; done'")
    taken, free = "! flock -n /run/ava-deploy.lock true", "flock -n /run/ava-deploy.lock true"
    await asyncio.to_thread(wait_for, lambda: host.box.result(taken).returncode == 0, "no lock")
    said = await deployments.refused("auth", "one")
    host.box.run("touch /run/enough")
    await asyncio.to_thread(wait_for, lambda: host.box.result(free).returncode == 0, "the lock stays")
    assert "another deployment" in said


def kill_and_wait(host: ComposeHost, service: str) -> None:
    """With -9; until the engine has started it again. What takes longer than 30 s is looked at after 45."""
    container = host.compose(f"ps -q {service}").split()[0]
    host.box.run(f"kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' {container})")
    state = f"docker inspect -f '{{{{.RestartCount}}}} {{{{.State.Health.Status}}}}' {container}"
    wait_for(lambda: host.box.run(state).split() == ["1", "healthy"], f"{service} is not back", 60)


async def test_a_killed_service_comes_back_and_loses_nothing(host: ComposeHost, people: People) -> None:
    """The gateway first: what it was sending is taken up half a minute later."""
    load = people.ask(per_second=20, kills=True)
    async with load.running():
        for service in reversed(SERVICES):
            await asyncio.to_thread(kill_and_wait, host, service)
    assert await load.account() == FINE, load


async def test_a_changed_caddyfile_cuts_off_nothing_that_was_begun(host: ComposeHost, people: People) -> None:
    _, reloading = readme.commands("exec -T caddy caddy reload").splitlines()
    load = people.ask(per_second=20, repeats=True)
    async with load.running():
        for _ in range(3):
            await asyncio.to_thread(host.box.run, reloading, FOLDER)
            await asyncio.sleep(1)
    assert await load.account() == FINE, load


async def test_a_database_that_has_an_ipv6_address_alone_is_reached(
    host: ComposeHost, deployments: Deployments
) -> None:
    host.box.run("ip -6 address add fd0b:7661::5/128 dev lo")
    host.box.lead_on("fd0b:7661::5", host.outside.postgres_port, HOST, host.outside.postgres_port)
    env = host.outside.env_file("messaging", "[fd0b:7661::5]")
    await asyncio.to_thread(host.write, f"{FOLDER}/services/messaging/.env", env)
    done = await deployments.run("messaging", "one", "--yes", "--migrations-applied", "--new-env")
    assert done.returncode == 0, done.stdout
    assert host.outside.journey_fails_at() == []


async def test_the_stack_runs_on_a_swarm_and_a_service_is_updated_under_load(
    host: ComposeHost, people: People, deployments: Deployments
) -> None:
    await asyncio.to_thread(host.write_env_files)
    image = f"ava-messaging:{deployments.versions.commit_of('two')}"
    if host.box.result(f"docker image inspect {image}").returncode != 0:
        await deployments.deploy("messaging", "two")
    host.compose("down")
    node = "docker swarm init --advertise-addr 10.0.2.100 && docker node update --label-add ava.edge=true box"
    host.box.run(node)
    # The images are on the machine: there is no registry to ask for their digests.
    deploying = (
        f"{host.stack_variables()} docker stack deploy --resolve-image never -c infra/docker-stack.yml ava"
    )
    host.box.run(f"{host.stack_variables()} docker stack config -c infra/docker-stack.yml", FOLDER)
    host.box.run(deploying, FOLDER)
    await asyncio.to_thread(wait_for, lambda: host.outside.journey_fails_at() == [], "no journey", 120)
    load = people.ask(per_second=20)
    async with load.running():
        options = f"--quiet --detach=false --no-resolve-image --image {image}"
        options += " --update-monitor 5s --update-delay 1s"
        await asyncio.to_thread(host.box.run, f"docker service update {options} ava_messaging")
    assert await load.account() == FINE, load

"""Two releases at once: the previous one on the new schema and beside the new one, with messages flowing."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES
from chaos import fault_settings, invariants, observations, simulated_users, traffic
from chaos.options import Options
from chaos.simulator_client import SimulatorClient
from e2e.people import Person, eventually, unique_text
from stack.previous_release import Release, SourcesNotInGit, previous_release, releases
from stack.two_releases import GATEWAY, NEW, SECOND_GATEWAY, TwoReleases, two_releases

pytestmark = pytest.mark.usefixtures("processes")

OPTIONS = Options(messages=240, users=24)
FAULTS = [
    {"kind": "code", "code": 131016, "rate": 0.05},
    {"kind": "http_error", "status": 500, "accepted": True, "rate": 0.05},
]
"""Only what resolves within seconds: refused, or accepted and reported by a status."""


@pytest_asyncio.fixture(loop_scope="session")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoReleases]:
    async with two_releases(tmp_path_factory.mktemp("two-releases")) as running:
        yield running


def says(person: Person, text: str) -> None:
    """Send a text from this person's phone and wait for the answer and for both turns in their log."""
    person.phone.send(text)
    assert text in person.phone.receive()[0]
    turns = eventually(person.messages, lambda found: len([m for m in found if text in m["content"]]) == 2)
    assert [m["role"] for m in turns if text in m["content"]] == ["user", "assistant"]


async def send(simulator: SimulatorClient, messages: list[dict[str, Any]]) -> None:
    """Ten messages from as many phones at a time, over some seconds."""
    for start in range(0, len(messages), 10):
        await simulator.send_messages(messages[start : start + 10])
        await asyncio.sleep(0.2)


async def finished(deployment: TwoReleases, simulator: SimulatorClient) -> None:
    """Wait until every message was delivered and handled, whichever gateway does it."""
    quiet = 0
    while quiet < 3:
        left = await observations.unfinished_count(deployment.admin_url)
        quiet = quiet + 1 if left == 0 and await simulator.pending_count() == 0 else 0
        await asyncio.sleep(0.3)


@pytest.mark.timeout(300)
async def test_a_release_runs_on_the_next_schema_and_beside_the_next_release(deployment: TwoReleases) -> None:
    ada = await asyncio.to_thread(lambda: Person(deployment).set_up())
    await asyncio.to_thread(says, ada, unique_text("on the old schema"))
    users = await simulated_users.create_users(deployment.admin_url, OPTIONS.users)
    async with SimulatorClient(deployment.simulator_url) as simulator:
        await simulator.set_plan(fault_settings.simulator_plan(OPTIONS) | {"faults": FAULTS})
        messages = traffic.messages(OPTIONS, users, int(time.time()))
        flowing = asyncio.create_task(send(simulator, messages[:120]))
        assert await deployment.migrate()
        await asyncio.to_thread(says, ada, unique_text("on the new schema"))
        await flowing
        await deployment.start(*NEW, SECOND_GATEWAY)
        await send(simulator, messages[120:])
        await finished(deployment, simulator)
        await check_nothing_is_lost(deployment, simulator, users, ada)
    await check_rows(deployment)
    await check_services(deployment, ada)


async def check_nothing_is_lost(
    deployment: TwoReleases, simulator: SimulatorClient, users: Any, ada: Person
) -> None:
    by_number = {user.number: str(user.id) for user in users} | {ada.number: ada.id}
    inbound = (await simulator.oracle())["inbound"]
    owners = {sent["text"]: frozenset([by_number[sent["number"]]]) for sent in inbound}
    observed = await observations.collect(deployment.admin_url, simulator, owners)
    counts = invariants.count_violations(observed)
    assert counts.violations() == {}
    assert counts.sent == counts.echoed
    done = {name: await deployment.events_done(name) for name in (GATEWAY, f"new-{GATEWAY}", SECOND_GATEWAY)}
    assert all(done.values()), f"a gateway had nothing to do: {done}"


async def check_rows(deployment: TwoReleases) -> None:
    """What the previous release wrote on the new schema has what this release needs."""
    unnamed = await deployment.database.admin(
        "select id from whatsapp.deliveries where state = 'split' and name_hashes is null and names is null"
        " and id not in (select unnest(delivery_ids) from whatsapp.delivery_names)"
        " union all select id from whatsapp.events where contact_id is null and names is null"
    )
    assert unnamed == []


async def check_services(deployment: TwoReleases, ada: Person) -> None:
    """Both releases show the same, the next one perhaps more; either may delete what the other wrote."""
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        for service, path in (
            ("messaging", "/messages"),
            ("profile", "/profile/preferences"),
            ("auth", "/auth/me"),
        ):
            old, new = [await client.get(deployment.url(name) + path) for name in (service, f"new-{service}")]
            assert (old.status_code, new.status_code) == (200, 200)
            assert shown_by(new.json(), old.json()) == old.json()
        gone = await client.request(
            "DELETE", deployment.url("auth") + "/auth/account", json={"password": ada.password}
        )
    assert gone.status_code in (200, 204), gone.text
    left = await deployment.database.admin(
        "select id from whatsapp.deliveries where id in (select whatsapp.deliveries_naming($1))",
        [ada.number.removeprefix("+")],
    )
    assert left == []


def shown_by(new: Any, old: Any) -> Any:
    """The new document without the fields that the old one does not know."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {name: shown_by(new[name], value) for name, value in old.items() if name in new}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [shown_by(*pair) for pair in zip(new, old, strict=True)]
    return new


@pytest.mark.parametrize("service", SERVICES)
def test_the_sources_of_the_release_are_what_is_imported(service: str, tmp_path: Path) -> None:
    release = previous_release()
    release.unpack(tmp_path)
    package = f"ava_{service.replace('-', '_')}"
    code = f"import ava_common, {package}.app as app; print(ava_common.__file__, app.__file__)"
    environment = {"PYTHONPATH": release.python_path(tmp_path, service)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert all(path.startswith(f"{tmp_path}/") for path in done.stdout.split()), done.stderr
    assert len(done.stdout.split()) == 2, done.stderr


def test_the_changelog_names_the_commit_of_every_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    named = releases(changelog)
    assert len(named) == changelog.count("\n## [") - 1
    assert (named[-1].version, named[-1].day) == ("0.1.0", "2026-11-25")


def test_a_clone_without_the_release_says_so(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    with pytest.raises(SourcesNotInGit, match=r"release 9\.9\.9 .*whole history"):
        Release("9.9.9", "2026-01-01", "0" * 40).unpack(tmp_path, tmp_path)

"""Two copies of each service, each on a host of its own: one is killed, others go dark."""

import asyncio

import pytest

from deploy.load import FINE, People
from deploy.many_hosts import ManyHosts
from deploy.systemd_host import SystemdHost

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("can_run")]


@pytest.fixture(scope="module")
def hosts(installed: SystemdHost) -> ManyHosts:
    made = ManyHosts(installed)
    made.start()
    return made


@pytest.fixture(scope="module")
def people(hosts: ManyHosts) -> People:
    return People(hosts.outside, 8)


def test_the_journey_leads_through_nine_hosts(hosts: ManyHosts) -> None:
    assert hosts.outside.journey_fails_at() == []


async def test_hosts_that_are_killed_or_go_dark_cost_time_and_not_one_request(
    hosts: ManyHosts, people: People
) -> None:
    """Of each service one copy lives; the gateway's goes first, what it was sending waits half a minute."""
    load = people.ask(per_second=20, kills=True)
    others = ("auth", "profile", "messaging")
    async with load.running():
        await asyncio.to_thread(hosts.kill, "whatsapp-gateway", 2)
        for service in others:
            await asyncio.to_thread(hosts.unplug, service, 2)
        await asyncio.sleep(10)
        for service in others:
            await asyncio.to_thread(hosts.plug_in_again, service, 2)
        await asyncio.sleep(3)
        for service in others:
            await asyncio.to_thread(hosts.kill, service, 2)
            await asyncio.sleep(1)
    assert await load.account() == FINE, load
    assert load.slowest < 15, load

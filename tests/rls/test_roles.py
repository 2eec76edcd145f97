"""The role of a service is all it can be; only the gateway can switch to another, to service_role."""

import pytest

from .conftest import SeededDatabase

SERVICES = ("ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway")
OTHERS = (
    *SERVICES,
    "anon",
    "authenticated",
    "service_role",
    "postgres",
    "supabase_admin",
    "supabase_auth_admin",
)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_take_another_role(seeded: SeededDatabase, service: str) -> None:
    allowed = {service} | ({"service_role"} if service == "ava_whatsapp_gateway" else set())
    became = set()
    for other in OTHERS:
        for sql in (f"set local role {other}", f"set session authorization {other}"):
            outcome = await seeded.outcome(seeded.actor(service, service), sql)
            assert outcome in ("refused", "done")
            became |= {other} if outcome == "done" else set()
    assert became == allowed


async def test_the_data_api_cannot_take_a_services_role(seeded: SeededDatabase) -> None:
    for service in SERVICES:
        assert await seeded.outcome(seeded.person(seeded.bob), f"set local role {service}") == "refused"

"""An answerer that takes its time: what it is told, and that nobody else waits for it.

Decisions 0143 and 0144.
"""

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from ava_common.tracing import new_trace
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.queue.exceptions import LeaseLost

from . import meta_payloads as meta
from .answering_service import SECRET, AnsweringService
from .conftest import LinkNumber, MakeSettings, RunService, StartGateway
from .fake_peers import FakePeers

PHONE, OTHER = "4915112345678", "4915187654321"
PICTURE = {"id": "9876", "mime_type": "image/jpeg", "sha256": "x", "caption": "look"}


def asks(answerer: AnsweringService, **more: object) -> dict[str, object]:
    return {"answer_url": answerer.url, "answer_secret": SECRET, **more}


async def test_the_answer_of_the_service_is_sent_and_logged_once(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(**asks(answerer))
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["re: hello"]
    assert peers.turns(person) == [("user", "hello"), ("assistant", "re: hello")]
    assert answerer.keys == [answerer.questions[0]["turn"]["id"]]


async def test_the_question_holds_what_a_companion_needs_and_nothing_of_whatsapps_or_the_persons_token(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    peers.avatars[person] = uuid4()
    gateway = await gateways(**asks(answerer))
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    quoted = {"from": "15550783881", "id": peers.sent[0]["wamid"]}
    await gateway.keep(meta.text(type="image", image=PICTURE, context=quoted))
    await gateway.drain()
    question = answerer.questions[-1]
    assert question["avatar"] == {
        "name": "Mira",
        "age": 27,
        "personality": "witty",
        "physical_description": "Tall",
    }
    assert [(turn["role"], turn["text"]) for turn in question["history"]] == [
        ("user", "one"),
        ("assistant", "re: one"),
        ("user", "two"),
        ("assistant", "re: two"),
    ]
    turn = question["turn"]
    assert (turn["user_id"], turn["kind"], turn["text"]) == (str(person), "image", "[image] look")
    assert turn["media"] == [{"id": "9876", "kind": "image", "mime_type": "image/jpeg"}]
    assert turn["replies_to"] == {"role": "assistant", "text": "re: one"}
    told = json.dumps(answerer.questions)
    assert not [word for word in (PHONE, "wamid.", "token-of-") if word in told]


@pytest.mark.parametrize("most", [0, 2])
async def test_the_history_is_as_long_as_the_setting_says(
    gateways: StartGateway, answerer: AnsweringService, person: UUID, most: int
) -> None:
    gateway = await gateways(**asks(answerer, answer_history=most))
    await gateway.keep(*(meta.text(body=str(n)) for n in range(3)))
    await gateway.drain()
    assert [turn["text"] for turn in answerer.questions[-1]["history"]] == ["1", "re: 1"][:most]


async def test_a_reply_to_another_users_message_quotes_nothing(
    gateways: StartGateway, answerer: AnsweringService, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    await linked(f"+{OTHER}")
    gateway = await gateways(**asks(answerer))
    secret = meta.text(body="a secret", sender=OTHER)
    await gateway.keep(secret)
    await gateway.drain()
    await gateway.keep(meta.text(body="what?", context={"id": secret["id"]}))
    await gateway.drain()
    assert answerer.questions[-1]["turn"]["replies_to"] is None


async def test_the_echo_costs_no_context(gateways: StartGateway, peers: FakePeers, person: UUID) -> None:
    gateway = await gateways()
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert peers.calls == ["tokens", "avatar", "messages", "graph", "messages"]
    assert peers.reads == []


async def test_while_many_are_thought_about_nobody_else_waits_and_no_connection_is_held(
    run_service: RunService,
    settings: MakeSettings,
    answerer: AnsweringService,
    peers: FakePeers,
    linked: LinkNumber,
    database: Database,
) -> None:
    phones = [f"49151000000{n:02}" for n in range(30)]
    for phone in [*phones, PHONE]:
        await linked(f"+{phone}")
    release = asyncio.Event()
    answerer.plan["think"] += [release.wait] * len(phones)
    chosen = settings(**asks(answerer, concurrency=2, database_connections=3))
    async with run_service(chosen) as client:
        body = meta.envelope(*(meta.text(sender=phone, body="think") for phone in phones))
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await eventually(lambda: answerer.thinking == len(phones))
        body = meta.envelope(meta.text(body="quick"), meta.text(sender=OTHER, body="not linked"))
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await eventually(lambda: peers.phones[PHONE] == ["re: quick"] and len(peers.phones[OTHER]) == 1)
        assert answerer.thinking == len(phones)
        mine = "application_name = 'whatsapp-gateway' and state <> 'idle'"
        in_use = f"select from pg_stat_activity where datname = current_database() and {mine}"
        assert len(await database.admin(in_use)) <= 3
        release.set()
        await eventually(lambda: all(peers.phones[phone] == ["re: think"] for phone in phones))
    assert answerer.asked("think") == len(phones)


async def test_no_more_are_thought_about_at_once_than_the_setting_says(
    run_service: RunService,
    settings: MakeSettings,
    answerer: AnsweringService,
    peers: FakePeers,
    linked: LinkNumber,
) -> None:
    phones = [f"49151000000{n:02}" for n in range(10)]
    for phone in phones:
        await linked(f"+{phone}")
    for phone in phones:
        answerer.plan[phone].append(lambda: asyncio.sleep(0.1))
    async with run_service(settings(**asks(answerer, answer_concurrency=3))) as client:
        body = meta.envelope(*(meta.text(sender=phone, body=phone) for phone in phones))
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await eventually(lambda: all(peers.phones[phone] for phone in phones))
    assert answerer.most_at_once == 3


async def test_a_thought_longer_than_the_lease_is_asked_for_once(
    run_service: RunService,
    settings: MakeSettings,
    answerer: AnsweringService,
    peers: FakePeers,
    person: UUID,
) -> None:
    answerer.plan["slowly"].append(lambda: asyncio.sleep(3.0))
    chosen = settings(**asks(answerer, lease_seconds=0.9))
    async with run_service(chosen) as client, run_service(chosen):
        body = meta.envelope(meta.text(body="slowly"), meta.text(body="then this"))
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await eventually(lambda: len(peers.phones[PHONE]) == 2)
    assert peers.phones[PHONE] == ["re: slowly", "re: then this"]
    assert answerer.asked("slowly") == 1


async def test_what_changed_while_an_earlier_message_was_thought_about_is_asked_as_it_is_now(
    run_service: RunService,
    settings: MakeSettings,
    answerer: AnsweringService,
    peers: FakePeers,
    person: UUID,
    database: Database,
) -> None:
    release = asyncio.Event()
    answerer.plan["one"].append(release.wait)
    async with run_service(settings(**asks(answerer))) as client:
        body = meta.envelope(meta.text(body="one"), meta.text(body="two"))
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await asyncio.wait_for(answerer.reached["one"].wait(), 30)
        await database.admin("update whatsapp.events set words = 'other' where words = 'two'")
        release.set()
        await eventually(lambda: len(peers.phones[PHONE]) == 2)
    assert peers.phones[PHONE] == ["re: one", "re: other"]


async def test_words_that_change_while_they_wait_to_be_asked_about_are_never_told(
    gateways: StartGateway,
    answerer: AnsweringService,
    peers: FakePeers,
    linked: LinkNumber,
    database: Database,
) -> None:
    await linked(f"+{PHONE}")
    await linked(f"+{OTHER}")
    gateway = await gateways(**asks(answerer, answer_concurrency=1))
    release = asyncio.Event()
    answerer.plan["slow"].append(release.wait)
    await gateway.keep(meta.text(body="slow"))
    await gateway.ingest()
    running = [asyncio.create_task(gateway.run(lane)) for lane in await gateway.claim()]
    await asyncio.wait_for(answerer.reached["slow"].wait(), 30)
    await gateway.keep(meta.text(sender=OTHER, body="a slip"))
    await gateway.ingest()
    running += [asyncio.create_task(gateway.run(lane)) for lane in await gateway.claim()]
    await eventually(lambda: len(gateway.keeper.kept) == 2)
    await database.admin("update whatsapp.events set words = 'better' where words = 'a slip'")
    release.set()
    await asyncio.gather(*running)
    await gateway.drain()
    assert peers.phones[OTHER] == ["re: better"]
    assert answerer.asked("a slip") == 0


async def test_a_thought_ends_when_another_process_has_the_lane(
    gateways: StartGateway, answerer: AnsweringService, person: UUID, database: Database
) -> None:
    gateway = await gateways(**asks(answerer))
    answerer.plan["hello"].append(asyncio.Event().wait)
    await gateway.keep(meta.text(body="hello"))
    await gateway.ingest()
    [lane] = await gateway.claim()
    with new_trace("", ""):
        handling = asyncio.create_task(gateway.handler.handle(lane.events[0]))
    await asyncio.wait_for(answerer.reached["hello"].wait(), 30)
    await gateway.keeper.renew()
    assert not handling.done()
    await database.admin("update whatsapp.lanes set token = gen_random_uuid()")
    await gateway.keeper.renew()
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(handling, 30)
    assert gateway.keeper.kept == {}


async def test_a_lane_that_is_locked_for_a_moment_is_neither_lost_nor_waited_for(
    gateways: StartGateway, answerer: AnsweringService, linked: LinkNumber, database: Database
) -> None:
    await linked(f"+{PHONE}")
    await linked(f"+{OTHER}")
    gateway = await gateways(**asks(answerer))
    release = asyncio.Event()
    answerer.plan["*"] += [release.wait, release.wait]
    await gateway.keep(meta.text(body="one"), meta.text(sender=OTHER, body="two"))
    await gateway.ingest()
    running = [asyncio.create_task(gateway.run(lane)) for lane in await gateway.claim()]
    await eventually(lambda: answerer.thinking == 2)
    due = "select due_at from whatsapp.lanes order by contact_id"
    async with gateway.pool.acquire() as connection, connection.transaction():
        before = [row["due_at"] for row in await connection.fetch(f"{due} limit 1 for update")]
        before += [row["due_at"] for row in await connection.fetch(f"{due} offset 1")]
        await asyncio.wait_for(gateway.keeper.renew(), 10)
    after = [row["due_at"] for row in await gateway.pool.fetch(due)]
    assert after[0] == before[0]
    assert after[1] > before[1]
    release.set()
    await asyncio.gather(*running)
    await gateway.drain()


async def test_a_stop_gives_the_lane_back_for_another_process_to_ask_again(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(**asks(answerer))
    answerer.plan["hello"].append(asyncio.Event().wait)
    await gateway.keep(meta.text(body="hello"))
    await gateway.ingest()
    [lane] = await gateway.claim()
    running = asyncio.create_task(gateway.run(lane))
    await asyncio.wait_for(answerer.reached["hello"].wait(), 30)
    gateway.keeper.give_up()
    await asyncio.wait_for(running, 30)
    assert await gateway.pool.fetchval("select token is null and due_at <= now() from whatsapp.lanes")
    assert await gateway.round() == 1
    assert answerer.asked("hello") == 1
    second = await gateways(**asks(answerer))
    await second.drain()
    assert peers.phones[PHONE] == ["re: hello"]
    assert len(set(answerer.keys)) == 1

"""The faults that alerts are for, made in a running stack, in phases that do not disturb each other."""

import asyncio
import json
from functools import partial
from typing import Any

import asyncpg
import httpx

from ava_local.demo.phone_client import PhoneClient
from ava_local.demo.user_journey import DemoUser, random_phone_number
from ava_local.stack.control import Stack
from ava_local.testing.waiting import eventually

from .watching_prometheus import WatchingPrometheus

BAN = {
    "event": "ACCOUNT_RESTRICTION",
    "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}],
}
PROBES = {
    "/healthz": 200,
    "/": 200,
    "/profile/personalities": 200,
    "/messages": 401,
    "/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1": 403,
}
"""What infra/README.md tells an uptime service to ask, and to expect."""


class Faults:
    """`calm` is what fired before the first fault."""

    def __init__(self, stack: Stack, prometheus: WatchingPrometheus) -> None:
        self.stack, self.prometheus = stack, prometheus
        self.calm: set[str] = set()
        self.probes: dict[str, dict[str, int]] = {}
        self.number = random_phone_number()
        self.user = DemoUser(stack.url("caddy"), "watched")
        self.phone = PhoneClient(stack.simulator_url, self.number)
        self._http = httpx.AsyncClient(timeout=60, trust_env=False)

    async def run(self) -> None:
        await self._a_calm_start()
        await self._damage()
        await self._a_revoked_token()
        await self._without_messaging()
        await self._without_a_database()
        await self._without_accounts()

    async def _a_calm_start(self) -> None:
        self.user.sign_up()
        self.user.log_in()
        self.user.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})
        self.phone.send("hello")
        assert await asyncio.to_thread(self.phone.receive)
        await self.prometheus.until_scraped()
        self.calm = await self.prometheus.firing()
        self.probes["all is well"] = await self.probe()

    async def _damage(self) -> None:
        """What can go wrong at once, because each of it concerns something else."""
        await self._an_ambiguous_number()
        await asyncio.gather(
            self._forged_deliveries(),
            self._an_unreadable_delivery(),
            self._another_number(),
            self._a_refused_message(),
            self._a_notice(),
            self._guessed_passwords(),
            self._no_right_to_delete(),
            self._restarts(),
            self._a_locked_table(),
            self.prometheus.until_fired(
                "AvaNotGenuine", "AvaForeignNumber", "AvaUndecided", "AvaGatewayAlert", "AvaManyRefusals",
                "AvaRetentionLate", "AvaServiceRestarting", "AvaSlow",
            ),
        )  # fmt: skip

    async def _a_revoked_token(self) -> None:
        await self._simulator("PATCH", "/plan", {"faults": [{"kind": "code", "code": 190, "rate": 1}]})
        self.phone.send("while the token is refused")
        await self.prometheus.until_fired("AvaCredentialRefused")
        await self._simulator("PATCH", "/plan", {"faults": []})
        assert await asyncio.to_thread(self.phone.receive)

    async def _without_messaging(self) -> None:
        await asyncio.to_thread(self.stack.disable, "messaging")
        self.phone.send("while messaging is away")
        await self._until_changed(
            "update whatsapp.events set received_at = received_at - interval '10 minutes'"
            " where state = 'ready' returning id"
        )
        self.probes["messaging is away"] = await self.probe()
        await self.prometheus.until_fired("AvaServiceDown", "AvaQueueOld")
        await asyncio.to_thread(self.stack.enable, "messaging")

    async def _without_a_database(self) -> None:
        await asyncio.to_thread(self.stack.disable, "postgres")
        asking = asyncio.create_task(self._ask_without_end())
        await self.prometheus.until_fired("AvaServiceNotReady", "AvaErrors")
        asking.cancel()
        await asyncio.to_thread(self.stack.enable, "postgres")

    async def _without_accounts(self) -> None:
        """Degraded, and still worth a page: nobody can log in."""
        await asyncio.to_thread(self.stack.disable, "supabase-auth")
        await self.prometheus.until_fired("AvaServiceNotReady", job="ava-auth", pointer="accounts")
        await asyncio.to_thread(self.stack.enable, "supabase-auth")

    async def _ask_without_end(self) -> None:
        while True:
            await self._http.get(f"{self.stack.url('messaging')}/messages", headers=self.bearer())
            await asyncio.sleep(0.1)

    async def _forged_deliveries(self) -> None:
        await self._simulator("POST", "/webhooks", {"body": "{}", "signature": "wrong", "times": 40})

    async def _an_unreadable_delivery(self) -> None:
        await self._simulator("POST", "/webhooks", {"body": "not JSON", "signature": "good"})

    async def _another_number(self) -> None:
        message = {"from": "4915100000000", "id": "wamid.foreign", "timestamp": "1", "type": "text"}
        value = {"metadata": {"phone_number_id": "999"}, "messages": [{**message, "text": {"body": "hello"}}]}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", **value}}
        delivery = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
        await self._simulator("POST", "/webhooks", {"body": json.dumps(delivery), "signature": "good"})

    async def _a_refused_message(self) -> None:
        fault = {"kind": "code", "code": 131026}
        await self._simulator("POST", "/faults/next", {"fault": fault, "to": self.number})
        self.phone.send("refused")

    async def _a_notice(self) -> None:
        await self._simulator("POST", "/fields", {"field": "account_update", "value": BAN})

    async def _an_ambiguous_number(self) -> None:
        """One account has the number, another the id that comes with it."""
        number, first, second = random_phone_number(), self._new_user(), self._new_user()
        first.log_in()
        first.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": number})
        phone = await self._simulator("PUT", f"/phones/{number}", {})
        await self.sql(
            "insert into profile.hidden_number_links (user_id, bsuid)"
            " select id, $2 from auth.users where email = $1",
            second.email,
            phone["user_id"],
        )
        await asyncio.to_thread(PhoneClient(self.stack.simulator_url, number).send, "whose am I?")

    async def _guessed_passwords(self) -> None:
        guess = {"email": self.user.email, "password": "not the right one"}
        for _ in range(30):
            guesses = [self._http.post(f"{self.stack.url('auth')}/auth/login", json=guess) for _ in range(5)]
            await asyncio.gather(*guesses)

    async def _no_right_to_delete(self) -> None:
        await self.sql("revoke delete on whatsapp.events from ava_whatsapp_gateway")
        await self._until_changed(
            "update whatsapp.events set changed_at = now() - interval '40 days'"
            " where state = 'done' returning id"
        )

    async def _until_changed(self, statement: str) -> None:
        """Run this statement until there is a row for it."""
        await eventually(partial(self.sql, statement))

    async def _restarts(self) -> None:
        for _ in range(3):
            before = await self.prometheus.until_started("ava-profile")
            await asyncio.to_thread(self.stack.kill, "profile")
            await self.prometheus.until_started("ava-profile", unlike=before)

    async def _a_locked_table(self) -> None:
        for _ in range(8):
            await asyncio.gather(self._lock_messages(4), self._ask_once(after_seconds=0.5))

    async def _lock_messages(self, seconds: float) -> None:
        connection = await asyncpg.connect(self.stack.database_url())
        try:
            async with connection.transaction():
                await connection.execute("lock table public.messages in access exclusive mode")
                await asyncio.sleep(seconds)
        finally:
            await connection.close()

    async def _ask_once(self, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        await self._http.get(f"{self.stack.url('messaging')}/messages", headers=self.bearer())

    async def probe(self) -> dict[str, int]:
        """The status of each public probe, through the edge proxy."""
        url = self.stack.url("caddy")
        return {path: (await self._http.get(url + path)).status_code for path in PROBES}

    def bearer(self) -> dict[str, str]:
        return {"Authorization": str(self.user._client.headers["Authorization"])}

    def _new_user(self) -> DemoUser:
        user = DemoUser(self.stack.url("caddy"), "other")
        user.sign_up()
        return user

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.stack.database_url())
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def _simulator(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = await self._http.request(method, f"{self.stack.simulator_url}/simulator{path}", json=body)
        answer.raise_for_status()
        return answer.json()

"""`python -m ava_whatsapp_gateway check`: the variables, the database, Meta, the answerer, the peers.

Decision 0120. See docs/contracts/whatsapp-cloud-api.md#asking-about-a-number.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from ava_common import checks
from ava_common.checks import Check
from ava_whatsapp_gateway.check_answerer import answering_checks
from ava_whatsapp_gateway.cloud_api.number_readiness import SCOPE, refusal
from ava_whatsapp_gateway.settings import Settings

_FIELDS = "verified_name,display_phone_number,quality_rating,platform_type"
_ACCOUNT = "whatsapp_business_account"


async def outside(settings: Settings) -> list[Check]:
    """All that the variables lead to."""
    url, size = settings.database_url.get_secret_value(), settings.database_connections
    services = [("AUTH_URL", settings.auth_url), ("PROFILE_URL", settings.profile_url)]
    services.append(("MESSAGING_URL", settings.messaging_url))
    services += [("PUBLIC_URL", settings.public_url)] if settings.public_url else []
    return [
        *await checks.database_checks(url, "WHATSAPP_GATEWAY_DATABASE_URL", size, ("service_role",)),
        *await meta_checks(settings),
        *await answering_checks(settings),
        *await checks.service_checks(*services),
    ]


async def meta_checks(settings: Settings) -> list[Check]:
    """The number, the token, the account's subscription, and the webhook."""
    try:
        async with checks.client(settings.graph_api_url) as http:
            graph = Graph(http, settings)
            number = await graph.ask(settings.phone_number_id, fields=_FIELDS)
            if words := refused_because(number):
                return [checks.refused("Meta", words)]
            return [
                _number_check(graph.read(number)),
                *await graph.token_checks(),
                checks.clock_check(number),
            ]
    except httpx.HTTPError:
        return [
            checks.refused("Meta", f"GRAPH_API_URL ({settings.graph_api_url}) does not respond: check it")
        ]


def refused_because(answer: httpx.Response) -> str | None:
    """Why Graph does not describe the number, by variable; None if it does."""
    if answer.is_success:
        return None
    error = Graph.read(answer).get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    return refusal(code) or f"GRAPH_API_URL answers {answer.status_code} (code {code})"


def _number_check(number: Mapping[str, Any]) -> Check:
    shown = f"{number.get('display_phone_number', '?')} ({number.get('verified_name', 'without a name')})"
    if number.get("platform_type") == "NOT_APPLICABLE":
        return checks.refused("Meta", f"{shown} is not registered for the Cloud API: register it")
    quality = str(number.get("quality_rating", "UNKNOWN"))
    if quality == "RED":
        return checks.note("Meta", f"{shown}, quality {quality}: Meta may restrict the number")
    return checks.ok("Meta", f"{shown}, quality {quality}")


class Graph:
    """Questions to the Graph API with the gateway's token; what it does not answer is left open."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings
        self._token = settings.access_token.get_secret_value()

    async def ask(self, path: str, token: str | None = None, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self._token}"}
        return await self._http.get(
            f"/{self._settings.graph_api_version}/{path}", headers=headers, params=query
        )

    @staticmethod
    def read(answer: httpx.Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    async def token_checks(self) -> list[Check]:
        """The token's scopes and expiry, and whether the app hears of messages."""
        about = self.read(await self.ask("debug_token", input_token=self._token)).get("data")
        if not isinstance(about, Mapping):
            return [checks.note("token", "its scopes and expiry could not be asked")]
        app, scopes = str(about.get("app_id", "")), about.get("scopes") or []
        accounts = {
            str(account)
            for granted in about.get("granular_scopes") or []
            for account in (granted.get("target_ids") or [])
            if str(granted.get("scope", "")).startswith("whatsapp_business")
        }
        return [
            permissions(about.get("expires_at"), scopes),
            *[await self._subscription_check(account, app) for account in sorted(accounts)],
            await self._delivery_check(app),
        ]

    async def _subscription_check(self, account: str, app: str) -> Check:
        answer = await self.ask(f"{account}/subscribed_apps")
        if not answer.is_success:
            return checks.note("subscription", f"of the business account {account} could not be asked")
        apps = {
            str((one.get("whatsapp_business_api_data") or {}).get("id"))
            for one in self.read(answer).get("data", [])
        }
        if app in apps:
            return checks.ok("subscription", f"the app hears of the business account {account}")
        return checks.refused(
            "subscription",
            f"the app is not subscribed to the business account {account}, so no message arrives: "
            f"POST /{account}/subscribed_apps",
        )

    async def _delivery_check(self, app: str) -> Check:
        secret = self._settings.app_secrets[0].get_secret_value()
        answer = await self.ask(f"{app}/subscriptions", token=f"{app}|{secret}")
        if not answer.is_success:
            return checks.refused("webhook", "Meta refuses WHATSAPP_GATEWAY_APP_SECRETS: it is another app's")
        found = [one for one in self.read(answer).get("data", []) if one.get("object") == _ACCOUNT]
        return delivered_to(found[0] if found else {}, self._settings.public_url)


def permissions(expires_at: Any, scopes: Sequence[str]) -> Check:
    """`expires_at` in Unix seconds, 0 for never."""
    if SCOPE not in scopes:
        return checks.refused("token", f"lacks the permission {SCOPE}: make one with it")
    if isinstance(expires_at, int) and expires_at:
        when = datetime.fromtimestamp(expires_at, UTC)
        return checks.note("token", f"expires {when:%Y-%m-%d %H:%M} UTC: use a system user's, which does not")
    return checks.ok("token", "does not expire")


def delivered_to(subscription: Mapping[str, Any], public_url: str | None) -> Check:
    """Whether Meta delivers the field `messages`, and to this stack's address."""
    if "messages" not in {str(field.get("name")) for field in subscription.get("fields") or []}:
        return checks.refused("webhook", "the app is not subscribed to the field messages: switch it on")
    callback = str(subscription.get("callback_url", ""))
    if public_url and callback != f"{public_url}/webhooks/whatsapp":
        return checks.note(
            "webhook", f"Meta delivers to {callback}, which is not under PUBLIC_URL ({public_url})"
        )
    return checks.ok("webhook", f"Meta delivers messages to {callback}")


def main(arguments: Sequence[str]) -> int:
    return checks.main(Settings, outside, arguments)

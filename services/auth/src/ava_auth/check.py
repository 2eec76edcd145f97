"""`python -m ava_auth check`: the variables, the database, Supabase Auth with both keys, and the peers.

Decision 0120.
"""

from collections.abc import Sequence
from typing import Any

import httpx

from ava_auth.app import DATABASE_CONNECTIONS
from ava_auth.settings import Settings
from ava_auth.supabase_readiness import SupabaseReadiness
from ava_common import checks
from ava_common.checks import Check

_TEAM_ONLY = (
    "new accounts are confirmed by e-mail: Supabase's built-in sender reaches only the project's own team, "
    "so set a custom SMTP server, or switch confirmation off"
)
_FORWARDING = (
    "cannot be asked: in the dashboard, under Authentication > Rate limits, switch on IP address forwarding, "
    "or all users share one limit"
)


async def outside(settings: Settings) -> list[Check]:
    """All that the variables lead to."""
    url = settings.database_url.get_secret_value()
    peers = ("PROFILE_URL", settings.profile_url), ("MESSAGING_URL", settings.messaging_url)
    return [
        *await checks.database_checks(url, "AUTH_DATABASE_URL", DATABASE_CONNECTIONS),
        *await supabase_checks(settings),
        *await checks.service_checks(*peers, ("PUBLIC_URL", settings.public_url)),
    ]


async def supabase_checks(settings: Settings) -> list[Check]:
    """Both keys, the signing algorithm, sign-up and mails, what cannot be asked, and the clock."""
    async with checks.client(settings.supabase_url) as http:
        if words := await SupabaseReadiness(settings, http).problem():
            return [checks.refused("Supabase", words)]
        key = {"apikey": settings.supabase_publishable_key.get_secret_value()}
        try:
            signing = await http.get("/auth/v1/.well-known/jwks.json")
            project = await http.get("/auth/v1/settings", headers=key)
        except httpx.HTTPError:
            return [checks.refused("Supabase", f"{settings.supabase_url} does not respond in time")]
    return [
        checks.ok("Supabase", "accepts SUPABASE_PUBLISHABLE_KEY and SUPABASE_SECRET_KEY"),
        _signing_check(_document(signing), bool(settings.supabase_jwt_secret)),
        *_project_checks(_document(project)),
        checks.note("IP address forwarding", _FORWARDING),
        checks.note("mail links", f"cannot be asked: the templates lead to {settings.public_url}/#verify?…"),
        checks.clock_check(project),
    ]


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _signing_check(keys: dict[str, Any], has_secret: bool) -> Check:
    algorithms = {str(key.get("alg")) for key in keys.get("keys", []) if isinstance(key, dict)}
    if "ES256" in algorithms:
        return checks.ok("signing keys", "ES256")
    if has_secret:
        return checks.note("signing keys", "HS256 with SUPABASE_JWT_SECRET; ES256 keys can be rotated")
    return checks.refused(
        "signing keys",
        "the project publishes no ES256 key: create one in the dashboard, under JWT keys, "
        "or set SUPABASE_JWT_SECRET for a project that still signs with it",
    )


def _project_checks(project: dict[str, Any]) -> list[Check]:
    found = []
    external = project.get("external")
    if isinstance(external, dict) and external.get("email") is False:
        found.append(checks.refused("log-in by e-mail", "is switched off in the project: switch it on"))
    if project.get("disable_signup"):
        found.append(checks.note("sign-up", "is closed in the project: nobody can create an account"))
    if project.get("mailer_autoconfirm") is False:
        found.append(checks.note("mail", _TEAM_ONLY))
    return found


def main(arguments: Sequence[str]) -> int:
    return checks.main(Settings, outside, arguments)

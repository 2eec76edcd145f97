"""What the service holds while it runs, and how a route gets it."""

from dataclasses import dataclass
from typing import Annotated, cast

import httpx
from fastapi import Depends, Request, Response

from ava_auth.audit import AuditLog
from ava_auth.even_queue import EvenQueue
from ava_auth.issuer import Issuer
from ava_auth.live_sessions import LiveSessions
from ava_auth.project_settings import ProjectSettings
from ava_auth.pwned_passwords import PwnedPasswords
from ava_auth.service_clients import ServiceClients
from ava_auth.settings import Settings
from ava_auth.single_flight import SingleFlight
from ava_auth.supabase import SupabaseAuth
from ava_auth.supabase_readiness import SupabaseReadiness
from ava_auth.throttle import Kind, Throttle
from ava_auth.user_and_session import Session
from ava_common.database import Pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.token_verifier import TokenVerifier


@dataclass(frozen=True)
class Resources:
    """Opened in the lifespan, closed after the last request; `profile` and `messaging` serve the export."""

    settings: Settings
    pool: Pool
    database: DatabaseReadiness
    verifier: TokenVerifier
    supabase: SupabaseAuth
    supabase_readiness: SupabaseReadiness
    project: ProjectSettings
    sessions: LiveSessions
    throttle: Throttle
    audit_log: AuditLog
    pwned_passwords: PwnedPasswords
    issuer: Issuer
    service_clients: ServiceClients
    profile: httpx.AsyncClient
    messaging: httpx.AsyncClient
    refreshes: SingleFlight[Session]
    passwords: EvenQueue
    mails: EvenQueue

    def queue_for(self, kind: Kind) -> EvenQueue:
        """Checking a password is slow by design, sending a mail by nature: neither waits for the other."""
        return self.mails if kind in ("recover", "resend") else self.passwords


async def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


async def no_store(response: Response) -> None:
    """No cache may keep an answer about an account (RFC 6749 section 5.1)."""
    response.headers["Cache-Control"] = "no-store"


ResourcesDep = Annotated[Resources, Depends(_resources)]

"""What every handler needs besides its request: settings, pool, keys, rate limiter, mail catcher."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ava_supabase_standin.accounts.passwords import Hasher
from ava_supabase_standin.database import Pool
from ava_supabase_standin.mail.mail_catcher import MailCatcher
from ava_supabase_standin.rate_limiter import RateLimiter
from ava_supabase_standin.settings import Settings
from ava_supabase_standin.signing_keys import SigningKeys

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Resources:
    """Opened once, in the lifespan of the application."""

    settings: Settings
    pool: Pool
    keys: SigningKeys
    hasher: Hasher
    rate_limiter: RateLimiter
    mail_catcher: MailCatcher


def resources_of(request: Request) -> Resources:
    """The resources of the application this request was sent to."""
    resources: Resources = request.state.resources
    return resources

"""Rate limits as GoTrue counts them: token buckets in memory, per client address; and mails per hour.

See docs/contracts/supabase-auth.md#limits-and-addresses.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from ava_supabase_standin.errors import AuthError
from ava_supabase_standin.settings import Settings

MAX_BUCKETS = 50_000
HOUR = 3600.0
Clock = Callable[[], float]


@dataclass
class Bucket:
    """How many requests were left, and when."""

    tokens: float
    updated_at: float


class RateLimiter:
    """One bucket per type of request and address; a lower rate never lowers the burst (issue auth#2333)."""

    def __init__(self, settings: Settings, clock: Clock = time.monotonic) -> None:
        otp = settings.rate_limit_otp / 300
        self._rates = {
            "token": settings.rate_limit_token_refresh / 300,
            "verify": settings.rate_limit_verify / 300,
        }
        self._rates |= dict.fromkeys(("signup", "recover", "resend", "user"), otp)
        self._burst = float(settings.rate_limit_burst)
        self._mails_per_hour = settings.rate_limit_email_sent_per_hour
        self._mails: deque[float] = deque()
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._clock = clock

    def consume(self, kind: str, address: str) -> None:
        """Count one request; 429 over_request_rate_limit if the bucket is empty. No address, no limit."""
        if address and not self._allows(kind, address):
            raise AuthError(429, "over_request_rate_limit", "Request rate limit reached")

    def consume_mail(self) -> None:
        """Count one mail of the project; 429 over_email_send_rate_limit above the limit per hour."""
        now = self._clock()
        while self._mails and self._mails[0] <= now - HOUR:
            self._mails.popleft()
        if len(self._mails) >= self._mails_per_hour:
            raise AuthError(429, "over_email_send_rate_limit", "email rate limit exceeded")
        self._mails.append(now)

    def _allows(self, kind: str, address: str) -> bool:
        now = self._clock()
        bucket = self._buckets.setdefault((kind, address), Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.updated_at) * self._rates[kind])
        bucket.updated_at = now
        self._buckets.move_to_end((kind, address))
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

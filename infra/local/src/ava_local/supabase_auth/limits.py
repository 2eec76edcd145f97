"""Rate limits as the original counts them: token buckets in memory, per client address."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from ava_local.supabase_auth.errors import Refusal
from ava_local.supabase_auth.settings import Settings

MOST_BUCKETS = 50_000
HOUR = 3600.0
Clock = Callable[[], float]


@dataclass
class Bucket:
    """How many requests are left, and when that was true."""

    left: float
    at: float


class Limits:
    """One bucket per kind of request and address; a lower rate never lowers the burst (issue auth#2333)."""

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

    def take(self, kind: str, address: str) -> None:
        """Count one request; 429 over_request_rate_limit when the bucket is empty. No address, no limit."""
        if address and not self._allows(kind, address):
            raise Refusal(429, "over_request_rate_limit", "Request rate limit reached")

    def take_mail(self) -> None:
        """Count one mail of the whole project; 429 over_email_send_rate_limit beyond the hour's share."""
        now = self._clock()
        while self._mails and self._mails[0] <= now - HOUR:
            self._mails.popleft()
        if len(self._mails) >= self._mails_per_hour:
            raise Refusal(429, "over_email_send_rate_limit", "email rate limit exceeded")
        self._mails.append(now)

    def _allows(self, kind: str, address: str) -> bool:
        now = self._clock()
        bucket = self._buckets.setdefault((kind, address), Bucket(self._burst, now))
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rates[kind])
        bucket.at = now
        self._buckets.move_to_end((kind, address))
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

"""What Meta says about our account, number and templates, and its errors that concern no single message.

Decision 0100. See docs/contracts/whatsapp-cloud-api.md#account-notices.
"""

import re
from collections.abc import Iterator

from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.lenient_json import Json, dump, find, text
from ava_whatsapp_gateway.cloud_api.updates import AccountNotice
from ava_whatsapp_gateway.metrics import ACCOUNT_NOTICES, ALERTS

FIELDS = frozenset(
    {
        "account_alerts", "account_review_update", "account_update", "business_capability_update",
        "message_template_components_update", "message_template_quality_update",
        "message_template_status_update", "phone_number_name_update", "phone_number_quality_update",
        "security", "template_category_update",
    }
)  # fmt: skip
"""Webhook fields whose changes an operator hears of."""

GOOD_NEWS = frozenset(
    {
        "ACCOUNT_RECONNECTED", "AD_ACCOUNT_LINKED", "APPROVED", "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
        "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "GREEN", "INFORMATIONAL", "MM_LITE_TERMS_SIGNED",
        "OBA_APPROVED", "ONBOARDING", "PARTNER_ADDED", "PARTNER_APP_INSTALLED", "REINSTATE", "REINSTATED",
        "THROUGHPUT_UPGRADE", "UNFLAGGED", "UPGRADE", "VOLUME_BASED_PRICING_TIER_UPDATE",
    }
)  # fmt: skip
"""Words of Meta's after which nothing needs to be done. Any other, also an unknown one, is an alert."""

# Where a notice says what has happened, the more telling first.
_TOLD_AT: tuple[tuple[str, ...], ...] = (
    ("ban_info", "waba_ban_state"),
    ("alert_info", "alert_severity"),
    ("alert_severity",),
    ("event",),
    ("decision",),
    ("new_quality_score",),
)
_CODE_WORD = re.compile(r"[A-Z][A-Z0-9_]{2,63}")
_MOST_WORDS = 8


def read(key: str, field: str, change: object) -> AccountNotice:
    """A change of one of the fields."""
    value = find(change, "value")
    return AccountNotice(key, field, code_words(value), not is_good_news(value), dump(change))


def read_error(key: str, error: Json, *, is_about_us: bool) -> AccountNotice:
    """An error beside messages and statuses, in none of them; one about another number is not an alert."""
    return AccountNotice(key, "errors", text(error.get("code"), 20), is_about_us, dump(error))


def is_good_news(value: object) -> bool:
    """Whether the first thing that a notice says needs nothing to be done; an unknown one does need it."""
    told = (text(find(value, *path), 64) for path in _TOLD_AT)
    return next(filter(None, told), "") in GOOD_NEWS


def code_words(value: object) -> str:
    """Meta's own words for what happened (ACCOUNT_RESTRICTION), never names, numbers or sentences."""
    found = dict.fromkeys(word for word in _strings(value, 6) if _CODE_WORD.fullmatch(word))
    return " ".join([word for word in found if word != "NONE"][:_MOST_WORDS])


def _strings(value: object, levels: int) -> Iterator[str]:
    """The strings in a value, but for those that are a name."""
    if isinstance(value, str):
        yield value
    elif levels and isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(None if key.endswith("name") else item, levels - 1)
    elif levels and isinstance(value, list):
        for item in value:
            yield from _strings(item, levels - 1)


def announce(notice: AccountNotice) -> None:
    """One line and one count for each notice; an alert for those that need an operator."""
    ACCOUNT_NOTICES.labels(notice.kind).inc()
    if not notice.alert:
        log.info("account.notice", about=notice.kind, what=notice.what)
        return
    ALERTS.labels("account_notice").inc()
    log.error("account.notice", about=notice.kind, what=notice.what, alert=True)

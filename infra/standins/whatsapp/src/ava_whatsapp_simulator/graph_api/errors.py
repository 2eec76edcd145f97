"""The Graph API's errors as data: code, HTTP status, type and title.

See docs/contracts/whatsapp-cloud-api.md#error-codes.
"""

from dataclasses import dataclass
from typing import Any

from ava_whatsapp_simulator.whatsapp_ids import trace_id

Json = dict[str, Any]

TITLES: dict[int, str] = {
    0: "AuthException",
    1: "An unknown error occurred",
    2: "Service temporarily unavailable",
    3: "Application does not have the capability to make this API call.",
    4: "Application request limit reached",
    10: "Application does not have permission for this action",
    100: "Invalid parameter",
    190: "Error validating access token",
    200: "Permissions error",
    368: "Temporarily blocked for policies violations",
    2500: "Unknown path components",
    80007: "Rate limit issues",
    130403: "Message blocked by the recipient's country",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    130497: "Business account is restricted from messaging users in this country",
    131000: "Something went wrong",
    131005: "Access denied",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131030: "Recipient phone number not in allowed list",
    131031: "Account has been locked",
    131042: "Business eligibility payment issue",
    131045: "Incorrect certificate",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "Meta chose not to deliver",
    131050: "User has stopped receiving marketing messages",
    131051: "Unsupported message type",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131057: "Account in maintenance mode",
    131062: "Business-scoped user id cannot be used for this message",
    132000: "Template parameter count mismatch",
    132001: "Template does not exist",
    132007: "Template format character policy violated",
    132012: "Template parameter format mismatch",
    132015: "Template is paused",
    133004: "Server temporarily unavailable",
    133010: "Phone number not registered",
    133016: "Account register deregister rate limit exceeded",
}

_STATUSES: dict[int, int] = {
    **dict.fromkeys((4, 80007, 130429, 131056), 429),
    **dict.fromkeys((0, 190), 401),
    **dict.fromkeys((3, 10, 200, 368, 131005, 131031), 403),
    **dict.fromkeys((1, 131000), 500),
    **dict.fromkeys((2, 131016, 133004, 131057), 503),
}
_TRANSIENT = frozenset((1, 2, 131016, 133004))


@dataclass
class GraphError(Exception):
    """An error in the Graph API's wording; nothing was sent."""

    code: int
    details: str = ""
    subcode: int | None = None
    message: str | None = None
    kind: str = "OAuthException"
    retry_after: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _STATUSES.get(self.code, 400)

    def body(self) -> Json:
        """The JSON `{"error": {...}}` with a new trace id."""
        error: Json = {"message": self.message or f"(#{self.code}) {title(self.code)}", "type": self.kind}
        error["code"] = self.code
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.code in _TRANSIENT:
            error["is_transient"] = True
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        return {"error": error | {"fbtrace_id": trace_id()}}


def title(code: int) -> str:
    """The title of a code; a general one for unknown codes."""
    return TITLES.get(code, "An error occurred")


def status_error(code: int, details: str = "") -> Json:
    """One entry of `errors[]` in a failed status."""
    error: Json = {"code": code, "title": title(code), "message": title(code)}
    error["error_data"] = {"details": details or title(code)}
    return error | {"href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"}

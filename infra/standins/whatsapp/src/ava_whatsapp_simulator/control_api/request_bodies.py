"""The JSON bodies of the control API's requests.

See docs/contracts/whatsapp-cloud-api.md#statuses.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ava_whatsapp_simulator.behaviour_plan import Fault

Json = dict[str, Any]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NumberChange(_Body):
    """The number a phone changes to."""

    to: str


class UserIdChange(_Body):
    """The new business-scoped user id; a random one if omitted."""

    user_id: str | None = None


class BusinessAppMessage(_Body):
    """A message the business number sends to a user from the WhatsApp Business app."""

    number: str
    text: str


class CustomStatus(BaseModel):
    """A status exactly as the webhook shall carry it."""

    model_config = ConfigDict(extra="allow")

    id: str
    status: str


class CustomField(_Body):
    """A webhook field of any name, with its value."""

    field: str = Field(min_length=1)
    value: Json


class RawWebhook(_Body):
    """Exact bytes to post; `signature` is good, missing, wrong, non-ascii, or the literal header value."""

    body: str | None = None
    body_base64: str | None = None
    signature: str = "good"
    times: int = Field(default=1, ge=1, le=1000)


class WebhookVerification(_Body):
    """The webhook verification request; `token` defaults to the correct one."""

    mode: str = "subscribe"
    token: str | None = None
    challenge: str = "1158201444"


class NextFault(_Body):
    """A fault for the next sends."""

    fault: Fault
    times: int = Field(default=1, ge=1)
    to: str | None = None


class ResetOptions(_Body):
    """The seed to start over with; the current one if omitted."""

    seed: int | None = None

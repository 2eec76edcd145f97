"""What programs write into the remote control's requests."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ava_local.whatsapp_simulator.plan import Fault

Json = dict[str, Any]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Move(_Body):
    """The number a phone moves to."""

    to: str


class Renewal(_Body):
    """The new business-scoped id, or none to have one made."""

    user_id: str | None = None


class OwnMessage(_Body):
    """A message our own number writes from the business app."""

    number: str
    text: str


class OwnStatus(BaseModel):
    """A status as contract section 1.5 writes it, word for word."""

    model_config = ConfigDict(extra="allow")

    id: str
    status: str


class OtherField(_Body):
    """A webhook field of any name with its value."""

    field: str = Field(min_length=1)
    value: Json


class RawWebhook(_Body):
    """Exact bytes to post; `signature` is good, missing, wrong, non-ascii, or the header's value itself."""

    body: str | None = None
    body_base64: str | None = None
    signature: str = "good"
    times: int = Field(default=1, ge=1, le=1000)


class Handshake(_Body):
    """The verification request; `token` defaults to the right one."""

    mode: str = "subscribe"
    token: str | None = None
    challenge: str = "1158201444"


class NextFault(_Body):
    """A fault for the next sends."""

    fault: Fault
    times: int = Field(default=1, ge=1)
    to: str | None = None


class Fresh(_Body):
    """How to start again."""

    seed: int | None = None

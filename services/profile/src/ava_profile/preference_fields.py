"""A user's preferences: for now, the WhatsApp number they write from.

Decisions 0070 and 0071.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from ava_common.bodies import PublicInput
from ava_common.problems import Problem
from ava_common.validation_messages import Matches


class PhoneTaken(Problem):
    """This number is linked to another account. If it's yours, unlink it there first."""

    status = 409


class Preferences(BaseModel):
    """The linked number (E.164) and since when; a number that still needs its code is listed separately.

    A date without a number: linked by a code from a WhatsApp account that hides its number.
    """

    whatsapp_phone: str | None = None
    whatsapp_linked_at: datetime | None = None
    whatsapp_pending_phone: str | None = None


class WhatsAppIdentity(BaseModel):
    """Who a user is on WhatsApp, as Meta names them to us; everything that is kept about that."""

    number: str | None
    business_scoped_id: str | None
    username: str | None
    first_seen_at: datetime
    former_numbers: list[str]
    former_business_scoped_ids: list[str]


class PhoneLink(PublicInput):
    """A number in any usual spelling, and its country when the spelling does not say."""

    phone: Annotated[
        str,
        StringConstraints(min_length=1, max_length=500),
        Field(
            examples=["+49 151 12345678"],
            description="Also a link such as wa.me/4915112345678, with what WhatsApp appends to it.",
            json_schema_extra={"pattern": r"^[^\x00]*$"},
        ),
    ]
    region: Annotated[
        Annotated[str, Matches("^[A-Za-z]{2}$", "must be a two-character country code, like DE")] | None,
        Field(examples=["DE"], description="ISO 3166"),
    ] = None


class PendingLink(BaseModel):
    """The number is linked once `code` arrives from it on WhatsApp; the code is shown only this once."""

    pending: str
    code: str
    expires_at: datetime
    whatsapp_url: str

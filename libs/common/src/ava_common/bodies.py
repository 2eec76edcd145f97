"""What requests may contain: the models that bodies and queries derive from.

Decision 0113.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from ava_common.text import flaw, is_blank


def _refuse_flaws(value: Any) -> Any:
    """Raises for a text that cannot be stored; values of other types are the field's own matter."""
    if isinstance(value, str) and (words := flaw(value)):
        raise PydanticCustomError("text", "{words}", {"words": words})
    return value


def not_blank(text: str) -> str:
    """For a field that a person reads: text in which something can be seen."""
    if is_blank(text):
        raise PydanticCustomError("blank", "must not be blank")
    return text


PlainText = Annotated[str, AfterValidator(_refuse_flaws), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]
"""A text of a ServiceBody that must be storable as it is, and says so in the description."""


class PublicInput(BaseModel):
    """A body or a query from people and their programs: unknown fields and unstorable texts are refused.

    So that none seems to have had an effect.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _texts_can_be_stored(cls, value: Any) -> Any:
        return _refuse_flaws(value)


class ServiceBody(BaseModel):
    """A body from another service, which may be a release ahead: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

"""The query parameters of the message log: any combination of filters, order and page."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from ava_common.bodies import PlainText, PublicInput
from ava_messaging.cursor import Cursor
from ava_messaging.messages import Channel, Moment, Role

Order = Literal["newest", "oldest"]


class Filters(PublicInput):
    """All must hold; an unknown filter is refused, because ignoring it would show too much."""

    channel: Channel | None = None
    role: Role | None = None
    avatar_id: UUID | None = None
    since: Annotated[Moment | None, Field(description="From this moment on.")] = None
    until: Annotated[Moment | None, Field(description="Before this moment.")] = None
    text: Annotated[
        Annotated[PlainText, StringConstraints(min_length=1, max_length=1000)] | None,
        Field(
            description="A part of the content; upper and lower case, and é in either spelling, are the same."
        ),
    ] = None

    def chosen(self) -> tuple[Any, ...]:
        """The value of each filter, None for one that is not used."""
        return self.channel, self.role, self.avatar_id, self.since, self.until, self.pattern()

    def pattern(self) -> str | None:
        """`text` for LIKE, where %, _ and \\ stand for themselves."""
        if self.text is None:
            return None
        escaped = self.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return f"%{escaped}%"


class PageQuery(Filters):
    """One page of the log."""

    order: Order = "newest"
    cursor: Annotated[Cursor | None, Field(description="`next` of the previous page.")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ExportQuery(Filters):
    """The whole log, or the part that the filters select."""

    order: Order = "oldest"

"""Every service explains every invalid field in our own words, never in the validation library's."""

import re
from typing import Annotated, Literal
from uuid import UUID

import httpx
import pytest
from contract.wrong_requests import WrongRequest, wrong_requests
from identity.services import GATEWAY_CLIENT, Services
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

LIBRARY = re.compile(
    r"Input |should (be|have|match|start|end)|[Ff]ield required|Value error|Assertion failed|Extra inputs|"
    r"not permitted|[Uu]nable to|valid (string|integer|number|boolean|dictionary|list|datetime|UUID)\b"
)
# Our own words, for a constraint that has none of its own.
UNEXPLAINED = "is not valid"
STATUS = {"malformed JSON": 400, "not sent as JSON": 415}
# How many wrong requests each description makes possible, so that none is skipped unnoticed.
AT_LEAST = {"auth": 170, "profile": 80, "messaging": 90, "whatsapp-gateway": 4}


async def send(services: Services, service: str, wrong: WrongRequest, token: str) -> httpx.Response:
    """Sent with the credentials it needs, so that only what is wrong with it is refused."""
    security = {name for one in wrong.operation.get("security", []) for name in one}
    headers = {"Sec-Fetch-Site": "same-origin", **wrong.options.get("headers", {})}
    if "HTTPBearer" in security:
        headers["Authorization"] = f"Bearer {token}"
    auth = GATEWAY_CLIENT if "HTTPBasic" in security else None
    options = {**wrong.options, "headers": headers}
    return await services.clients[service].request(wrong.method, wrong.path, auth=auth, **options)


@pytest.mark.parametrize("service", AT_LEAST)
async def test_every_invalid_field_is_named_and_explained_in_our_own_words(
    services: Services, database: Database, issuer: Issuer, service: str
) -> None:
    token = issuer.token(await database.person())
    sent = list(wrong_requests(services.apps[service].openapi()))
    for wrong in sent:
        answer = await send(services, service, wrong, token)
        assert answer.status_code == STATUS.get(wrong.what, 422), (wrong, answer.text)
        problem = answer.json()
        errors = problem.get("errors", [])
        details = [problem["title"], problem["detail"], *(error["detail"] for error in errors)]
        assert [words for words in details if LIBRARY.search(words) or words == UNEXPLAINED] == [], wrong
        assert wrong.pointer in {None, *(error["pointer"] for error in errors)}, (wrong, errors)
    assert len(sent) >= AT_LEAST[service]


class Worded(BaseModel):
    """Fields whose errors the library words itself."""

    model_config = ConfigDict(extra="forbid")

    short: Annotated[str, Field(max_length=1)]
    code: Annotated[str, Field(pattern="^a$")]
    number: Annotated[int, Field(ge=20)]
    ratio: float
    flag: bool
    order: Literal["newest", "oldest"]
    id: UUID
    at: AwareDatetime
    items: list[int]
    checked: Annotated[str, AfterValidator(int)]
    missing: str


WRONG = {
    "short": "xx", "code": "b", "number": 19, "ratio": "half", "flag": "perhaps", "order": "random",
    "id": "1", "at": "soon", "items": 1, "checked": "x", "unknown": 1,
}  # fmt: skip


def test_the_librarys_own_words_would_be_found() -> None:
    with pytest.raises(ValidationError) as refused:
        Worded.model_validate(WRONG)
    words = {error["loc"][0]: error["msg"] for error in refused.value.errors()}
    assert words.keys() == Worded.model_fields.keys() | {"unknown"}
    assert [msg for msg in words.values() if not LIBRARY.search(msg)] == []

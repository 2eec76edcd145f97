"""What `check` says about auth, which profile and messaging ask whether a session still lives."""

import httpx
import pytest

from ava_common.checks import session_check


def test_an_auth_service_that_knows_sessions_is_accepted() -> None:
    answer = httpx.Response(401, json={"type": "urn:ava:problem:not-signed-in"})
    assert session_check(answer, "AUTH_URL").result == "ok"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json={"type": "urn:ava:problem:not-found"}),
        httpx.Response(401, text="Unauthorized"),
        httpx.Response(200, text="<html>"),
    ],
    ids=["an earlier release, or another service", "a proxy", "a page"],
)
def test_what_cannot_answer_about_sessions_is_refused_by_variable(answer: httpx.Response) -> None:
    found = session_check(answer, "AUTH_URL")
    assert found.result == "refused"
    assert found.detail.startswith(f"the service of AUTH_URL answers {answer.status_code} when asked")
    assert "update that service first" in found.detail

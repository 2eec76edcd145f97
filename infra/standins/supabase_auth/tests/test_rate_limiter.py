"""Rate limits: which requests share a bucket, whose address counts, and what a 429 says."""

from typing import Any

import httpx
import pytest

from .conftest import PASSWORD, PUBLISHABLE, SECRET, MakeStandin, Person, Project, assert_refused, new_email

LIMITED = "over_request_rate_limit"
UNKNOWN = Person("", "unknown@people.example")
TIGHT = {"rate_limit_burst": 3, "rate_limit_token_refresh": 0, "rate_limit_otp": 0, "rate_limit_verify": 0}


async def ask(project: Project, method: str, path: str, **headers: Any) -> httpx.Response:
    body = {"email": new_email(), "password": PASSWORD, "type": "signup", "token_hash": "x"}
    return await project.call(method, path, None if method == "GET" else body, **headers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/token?grant_type=password"),
        ("POST", "/signup"),
        ("POST", "/recover"),
        ("POST", "/resend"),
        ("POST", "/verify"),
        ("GET", "/verify?type=signup&token=x"),
    ],
)
async def test_an_empty_bucket_answers_429_and_nothing_more(
    make_standin: MakeStandin, method: str, path: str
) -> None:
    project = await make_standin(**TIGHT)
    for _ in range(3):
        assert (await ask(project, method, path)).status_code != 429
    answer = await ask(project, method, path)
    assert_refused(answer, 429, LIMITED)
    assert answer.json()["message"] == "Request rate limit reached"
    assert "retry-after" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_logging_in_and_refreshing_share_a_bucket(make_standin: MakeStandin) -> None:
    project = await make_standin(**TIGHT)
    await project.login(UNKNOWN)
    await project.refresh("abcdefghijkl")
    await project.login(UNKNOWN)
    assert_refused(await project.refresh("abcdefghijkl"), 429, LIMITED)


async def test_other_buckets_stay_full(make_standin: MakeStandin) -> None:
    project = await make_standin(**TIGHT)
    for _ in range(4):
        await project.login(UNKNOWN)
    assert (await ask(project, "POST", "/recover")).status_code == 200


async def test_a_lower_rate_does_not_lower_the_burst_of_thirty(make_standin: MakeStandin) -> None:
    project = await make_standin(rate_limit_token_refresh=0.001)
    codes = [(await project.login(UNKNOWN)).status_code for _ in range(31)]
    assert codes == [400] * 30 + [429]


async def test_with_a_secret_key_every_forwarded_address_has_its_own_bucket(
    make_standin: MakeStandin,
) -> None:
    project = await make_standin(**TIGHT)
    for address in ("203.0.113.1", "203.0.113.2", "2001:db8::1"):
        for _ in range(3):
            answer = await project.login(UNKNOWN, key=SECRET, sb_forwarded_for=address)
            assert answer.status_code == 400
        assert_refused(await project.login(UNKNOWN, key=SECRET, sb_forwarded_for=address), 429, LIMITED)


async def test_only_the_first_forwarded_address_counts(make_standin: MakeStandin) -> None:
    project = await make_standin(**TIGHT)
    for last in range(3):
        await project.login(UNKNOWN, key=SECRET, sb_forwarded_for=f"203.0.113.1, 10.0.0.{last}")
    answer = await project.login(UNKNOWN, key=SECRET, sb_forwarded_for="203.0.113.1")
    assert_refused(answer, 429, LIMITED)


@pytest.mark.parametrize("header", ["sb_forwarded_for", "x_forwarded_for"])
async def test_no_other_key_may_name_an_address(make_standin: MakeStandin, header: str) -> None:
    project = await make_standin(**TIGHT)
    for last in range(3):
        await project.login(UNKNOWN, key=PUBLISHABLE, **{header: f"203.0.113.{last}"})
    answer = await project.login(UNKNOWN, key=PUBLISHABLE, **{header: "203.0.113.99"})
    assert_refused(answer, 429, LIMITED)


@pytest.mark.parametrize("key", [None, PUBLISHABLE])
async def test_nor_may_they_where_no_key_is_needed(make_standin: MakeStandin, key: str | None) -> None:
    project = await make_standin(**TIGHT)
    for last in range(3):
        await ask(project, "POST", "/verify", key=key, sb_forwarded_for=f"203.0.113.{last}")
    answer = await ask(project, "POST", "/verify", key=key, sb_forwarded_for="203.0.113.99")
    assert_refused(answer, 429, LIMITED)


async def test_a_secret_key_names_addresses_there_too(make_standin: MakeStandin) -> None:
    project = await make_standin(**TIGHT)
    for last in range(5):
        answer = await ask(project, "POST", "/verify", key=SECRET, sb_forwarded_for=f"203.0.113.{last}")
        assert answer.status_code != 429


async def test_mails_of_the_whole_project_are_counted_when_addresses_are_confirmed(
    make_standin: MakeStandin,
) -> None:
    project = await make_standin(mailer_autoconfirm=False, rate_limit_email_sent_per_hour=2)
    people = [await project.person() for _ in range(3)]
    answers = [await project.call("POST", "/recover", {"email": person.email}) for person in people]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_refused(answers[2], 429, "over_email_send_rate_limit")
    assert answers[2].json()["message"] == "email rate limit exceeded"
    assert await project.mails(people[2].email) == []


async def test_with_autoconfirm_mails_are_not_counted(make_standin: MakeStandin) -> None:
    project = await make_standin(rate_limit_email_sent_per_hour=0)
    person = await project.person()
    assert (await project.call("POST", "/recover", {"email": person.email})).status_code == 200

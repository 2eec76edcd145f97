"""The captured e-mails: readable by people and programs, kept over a restart, harmless to look at."""

from .conftest import MakeStandin, Project


async def capture_mail(project: Project, email: str) -> None:
    person = await project.person(email)
    assert (await project.call("POST", "/recover", {"email": person.email})).status_code == 200


async def test_programs_get_json_newest_first(make_standin: MakeStandin) -> None:
    project = await make_standin()
    for email in ("one@people.example", "two@people.example"):
        await capture_mail(project, email)
    mails = (await project.http.get("/outbox")).json()["mails"]
    assert [mail["to"] for mail in mails] == ["two@people.example", "one@people.example"]
    assert len(await project.mails("ONE@people.example")) == 1


async def test_people_get_a_page_without_scripts(make_standin: MakeStandin) -> None:
    project = await make_standin()
    await capture_mail(project, "o'hara&sons@people.example")
    page = await project.http.get("/outbox", headers={"accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "o&#x27;hara&amp;sons@people.example" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"


async def test_mails_survive_a_restart_until_they_are_cleared(make_standin: MakeStandin) -> None:
    first = await make_standin()
    await capture_mail(first, "saved@people.example")
    second = await make_standin()
    assert len(await second.mails("saved@people.example")) == 1
    assert (await second.http.delete("/outbox")).status_code == 204
    assert await second.mails("saved@people.example") == []
    assert await (await make_standin()).mails("saved@people.example") == []


async def test_no_other_site_may_read_it(make_standin: MakeStandin) -> None:
    answer = await (await make_standin()).http.get("/outbox", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers

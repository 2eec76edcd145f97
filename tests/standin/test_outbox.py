"""The outbox: readable by people and programs, kept over a restart, harmless to look at."""

from .conftest import Make, Project


async def mailed(project: Project, email: str) -> None:
    person = await project.person(email)
    assert (await project.call("POST", "/recover", {"email": person.email})).status_code == 200


async def test_programs_get_json_newest_first(standin: Make) -> None:
    project = await standin()
    for email in ("one@people.example", "two@people.example"):
        await mailed(project, email)
    mails = (await project.http.get("/outbox")).json()["mails"]
    assert [mail["to"] for mail in mails] == ["two@people.example", "one@people.example"]
    assert len(await project.mails("ONE@people.example")) == 1


async def test_people_get_a_page_without_scripts(standin: Make) -> None:
    project = await standin()
    await mailed(project, "o'hara&sons@people.example")
    page = await project.http.get("/outbox", headers={"accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "o&#x27;hara&amp;sons@people.example" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"


async def test_mails_survive_a_restart_until_they_are_cleared(standin: Make) -> None:
    first = await standin()
    await mailed(first, "kept@people.example")
    second = await standin()
    assert len(await second.mails("kept@people.example")) == 1
    assert (await second.http.delete("/outbox")).status_code == 204
    assert await second.mails("kept@people.example") == []
    assert await (await standin()).mails("kept@people.example") == []


async def test_no_other_site_may_read_it(standin: Make) -> None:
    answer = await (await standin()).http.get("/outbox", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers

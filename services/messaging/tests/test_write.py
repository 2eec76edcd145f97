"""A person writes in the app."""


async def test_a_person_writes_and_reads_it_again(room, database, issuer):
    me = issuer.bearer(await database.person())
    written = await room.post("/messages", json={"content": "Hello, you."}, headers=me)
    assert written.status_code == 201
    message = written.json()
    assert message | {"id": "", "created_at": ""} == {
        "id": "",
        "avatar_id": None,
        "channel": "app",
        "role": "user",
        "content": "Hello, you.",
        "created_at": "",
        "external_id": None,
    }
    assert written.headers["location"] == f"/messages/{message['id']}"
    assert (await room.get(written.headers["location"], headers=me)).json() == message
    assert (await room.get("/messages", headers=me)).json() == {"messages": [message], "next": None}

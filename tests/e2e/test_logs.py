"""What a whole run writes down: never a secret, a token, a phone, an e-mail or somebody's words."""

import json
import re

from ava_local.environment import ROOMS
from ava_local.handle import House
from e2e.people import AVATAR, Somebody, eventually, words

PROCESSES = ("caddy", "supabase-auth", "whatsapp-simulator", "database", "postgres", *ROOMS)


def test_no_log_line_tells_on_anybody(house: House) -> None:
    person = Somebody(house).settle_in()
    text = words("unspeakable")
    person.phone.write(text)
    assert person.phone.hear()
    eventually(person.messages, lambda found: len(found) == 2)
    person.http.post("/messages", json={"content": words("untold")})
    person.http.get("/messages", params={"text": "unspeakable"})
    person.http.post("/auth/login", json={"email": person.email, "password": "wrong-guess-word"})
    person.http.put("/profile/preferences/whatsapp", json={"phone": f"{person.number} ext"})

    forbidden = {
        "e-mail": person.email,
        "password": person.password,
        "guess": "wrong-guess-word",
        "phone": person.number.lstrip("+"),
        "words": "unspeakable",
        "more words": "untold",
        "token": person.token,
        "looks": AVATAR["physical_description"],
        **{f"secret {number}": value for number, value in enumerate(secrets_of(house))},
    }
    for process in PROCESSES:
        log = house.log(process)
        told = [name for name, value in forbidden.items() if str(value) in log]
        assert not told, f"{process}'s log tells {told}"
        assert not re.search(r"eyJ[\w-]{10,}\.[\w-]{10,}\.", log), f"{process}'s log holds a token"


def secrets_of(house: House) -> list[str]:
    kept = json.loads((house.places.state / "secrets.json").read_text())

    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [
                leaf
                for name, part in value.items()
                if name not in ("kid", "kty", "crv", "x", "y", "alg", "use")
                for leaf in leaves(part)
            ]
        return [value] if isinstance(value, str) and len(value) > 12 else []

    return leaves(kept)

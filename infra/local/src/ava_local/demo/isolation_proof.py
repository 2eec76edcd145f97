"""Two accounts at the configured project: neither sees the other's rows, and both are deleted again.

Decision 0120.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from ava_local.demo.user_journey import AVATAR, DemoUser, StepFailed

Result = dict[str, str]


class IsolationProof:
    """Made at Supabase with the secret key, used through Ava's public URL, deleted whatever happens."""

    def __init__(self, public_url: str, project_url: str, publishable_key: str, secret_key: str) -> None:
        self.first, self.second = DemoUser(public_url, "doctor-a"), DemoUser(public_url, "doctor-b")
        self._key = publishable_key
        self._project = httpx.Client(base_url=project_url, timeout=20, trust_env=False)
        self._administrator = {"apikey": secret_key, "Authorization": f"Bearer {secret_key}"}
        self._ids: list[str] = []
        self._message = ""

    def run(self) -> Iterator[Result]:
        """Each step's result, as the checks of a service; stops after the first that fails, and deletes."""
        try:
            yield from self._run_all(("create two accounts", self._create), *self._steps())
        finally:
            yield from self._run_all(("delete both", self._delete))

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("log in with both", self._log_in),
            ("save an avatar and a message as the first", self._save),
            ("see nothing of it as the second", self._look),
            ("see nothing of it through the Data API", self._look_directly),
        ]

    def _run_all(self, *steps: tuple[str, Callable[[], None]]) -> Iterator[Result]:
        for name, act in steps:
            try:
                act()
            except (StepFailed, httpx.HTTPError) as error:
                yield {"name": name, "result": "refused", "detail": str(error)}
                return
            yield {"name": name, "result": "ok", "detail": ""}

    def _create(self) -> None:
        for user in (self.first, self.second):
            account = {"email": user.email, "password": user.password, "email_confirm": True}
            answer = self._project.post("/auth/v1/admin/users", json=account, headers=self._administrator)
            _expect(answer, 200, 201)
            self._ids.append(str(answer.json()["id"]))

    def _log_in(self) -> None:
        self.first.log_in()
        self.second.log_in()

    def _save(self) -> None:
        self.first.request("PUT", "/profile/avatar", 201, json=AVATAR)
        text = f"only mine {secrets.token_hex(3)}"
        saved: dict[str, Any] = self.first.request("POST", "/messages", 201, json={"content": text})
        self._message = str(saved["id"])
        if [message["id"] for message in self.first.messages()] != [self._message]:
            raise StepFailed("the first account does not see its own message")

    def _look(self) -> None:
        self.second.request("GET", "/profile/avatar", 404)
        self.second.request("GET", f"/messages/{self._message}", 404)
        self.second.request("DELETE", f"/messages/{self._message}", 404)
        if self.second.messages():
            raise StepFailed("the second account sees messages that it did not write")

    def _look_directly(self) -> None:
        """Past the services, with the second token; a project without a Data API has no such way."""
        for table in ("messages", "avatars"):
            headers = {"apikey": self._key, "Authorization": self.second.authorization}
            answer = self._project.get(f"/rest/v1/{table}", params={"select": "id"}, headers=headers)
            if answer.is_success and answer.json() != []:
                raise StepFailed(f"the Data API shows rows of another account in {table}")

    def _delete(self) -> None:
        for account in self._ids:
            answer = self._project.delete(f"/auth/v1/admin/users/{account}", headers=self._administrator)
            _expect(answer, 200, 204)


def _expect(answer: httpx.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        raise StepFailed(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")

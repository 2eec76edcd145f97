"""A double of the service that answers: strict about what it is asked, and slow, away or wrong on demand."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs

from .fake_peers import Answer, serving

CONTRACT = json.loads((Path(__file__).parents[3] / "docs/contracts/answerer.openapi.json").read_text())
SECRET = "a-secret-of-the-answerer-alone"


def strict(schema: Any) -> Any:
    """The schema, refusing whatever it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if schema.get("type") == "object" else {}
    return {name: strict(each) for name, each in schema.items()} | closed


QUESTION = jsonschema_rs.Draft202012Validator(
    {"$ref": "#/components/schemas/Question", "components": strict(deepcopy(CONTRACT["components"]))}
)


@dataclass
class AnsweringService:
    """Answers "re: …" unless something else is planned; what breaks the contract is `wrong`."""

    url: str = ""
    questions: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    # What happens next for these words, or for all ("*"): an Answer, an exception, something to await.
    plan: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    thinking: int = 0
    most_at_once: int = 0

    def asked(self, words: str) -> int:
        """How often it was asked about these words."""
        return sum(question["turn"]["text"] == words for question in self.questions)

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        question = json.loads(body)
        self._check(f"{method} {path}", headers, question)
        words = question["turn"]["text"]
        self.questions.append(question)
        self.keys.append(headers["idempotency-key"])
        self.reached[words].set()
        self.thinking += 1
        self.most_at_once = max(self.most_at_once, self.thinking)
        try:
            return await self._planned(words)
        finally:
            self.thinking -= 1

    async def _planned(self, words: str) -> Answer:
        while planned := self.plan[words] or self.plan["*"]:
            step = planned.popleft()
            if isinstance(step, Exception):
                raise step
            if isinstance(step, tuple):
                return step
            await step()
        return 200, {"text": f"re: {words}"}, {"content-type": "application/json"}

    def _check(self, asked: str, headers: dict[str, str], question: Any) -> None:
        checks = {
            asked: asked == "POST /answers",
            "secret": headers.get("authorization") == f"Bearer {SECRET}",
            "content type": headers.get("content-type") == "application/json",
            "trace": len(headers.get("traceparent", "")) == 55,
        }
        self.wrong += [name for name, holds in checks.items() if not holds]
        self.wrong += [f"{error.instance_path}: {error.message}" for error in QUESTION.iter_errors(question)]
        turn = question["turn"]
        UUID(headers["idempotency-key"])
        times = [turn["sent_at"], question["deadline"], *(each["created_at"] for each in question["history"])]
        self.wrong += [time for time in times if datetime.fromisoformat(time).tzinfo is None]


@asynccontextmanager
async def answering() -> AsyncIterator[AnsweringService]:
    """The double on a port of its own; nothing that it was asked may break the contract."""
    made = AnsweringService()
    async with serving(made.answer) as url:
        made.url = url
        yield made
    assert made.wrong == []

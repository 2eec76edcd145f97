"""Sends from one simulated phone and waits for what it receives, over the simulator's control API."""

import re
import time
from typing import Any

import httpx

from ava_local.expected_error import ExpectedError
from ava_local.stack.control import StackNotRunning

ANSWER_TIMEOUT_SECONDS = 60.0
LONGEST_REQUEST_SECONDS = 20.0
"""The simulator ends a longer wait by itself; to wait longer is to ask again."""


def parse_phone_number(text: str) -> str:
    """E.164 from any usual spelling. Raises InvalidPhoneNumber."""
    digits = re.sub(r"[\s()/.-]", "", text).removeprefix("+")
    if not re.fullmatch(r"[1-9][0-9]{6,14}", digits):
        raise InvalidPhoneNumber(f"{text!r} is not a valid phone number; use the format +4915112345678.")
    return f"+{digits}"


class InvalidPhoneNumber(ExpectedError):
    """That is not a valid phone number; use the format +4915112345678."""


class SimulatorError(ExpectedError):
    """The WhatsApp simulator rejected a request."""


class UnknownPhone(Exception):
    """The simulator does not know this phone: it never sent or received anything."""


class PhoneClient:
    """One phone of the simulator at `url`."""

    def __init__(self, url: str, number: str) -> None:
        self.number = number
        self._client = httpx.Client(
            base_url=f"{url}/simulator/phones/{number}",
            timeout=LONGEST_REQUEST_SECONDS + 30,
            trust_env=False,
        )
        self._last_seen = 0

    def send(self, text: str) -> str:
        """Send a text to Ava's number; returns its message id."""
        self._last_seen = self._received(wait=0)["last"]
        answer = self._request("POST", "/messages", json={"text": text})
        message_id: str = answer["id"]
        return message_id

    def receive(self, wait: float = ANSWER_TIMEOUT_SECONDS) -> list[str]:
        """The texts received since the last `send` or `receive`; empty if none came within `wait` seconds."""
        deadline = time.monotonic() + wait
        while True:
            left = max(0.0, deadline - time.monotonic())
            received = self._received(min(left, LONGEST_REQUEST_SECONDS))
            if received["messages"] or left <= LONGEST_REQUEST_SECONDS:
                break
        self._last_seen = received["last"]
        return [message["text"] for message in received["messages"]]

    def _received(self, wait: float) -> Any:
        try:
            return self._request("GET", "/received", params={"after": self._last_seen, "wait": wait})
        except UnknownPhone:
            return {"messages": [], "last": 0}

    def _request(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TimeoutException as error:
            raise SimulatorError(
                "the WhatsApp simulator took too long to answer. Look at: ./ava logs"
            ) from error
        except httpx.TransportError as error:
            raise StackNotRunning("cannot reach the WhatsApp simulator. Start Ava with: ./ava up") from error
        if answer.status_code == 404:
            raise UnknownPhone
        if answer.status_code >= 400:
            raise SimulatorError(f"the WhatsApp simulator returned {answer.status_code}: {answer.text[:300]}")
        return answer.json()

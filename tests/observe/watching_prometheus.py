"""A real Prometheus with the rules of infra/observe, thirty times as fast, on the ports of a test's stack."""

import re
import signal
import subprocess
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
import yaml

from ava_local.devtools.prometheus_programs import find
from ava_local.parent_death_signal import signal_on_parent_death
from ava_local.ports import free_port
from ava_local.stack.control import Stack
from ava_local.testing.waiting import eventually

OBSERVE = Path(__file__).parents[2] / "infra/observe"
FASTER = 30
_SECONDS = {"m": 60, "h": 3600}


def compressed(durations: str) -> str:
    """`[15m]` as `[30s]`: half a minute stands for a quarter of an hour."""
    return re.sub(
        r"\b(\d+)([mh])\b", lambda found: f"{int(found[1]) * _SECONDS[found[2]] // FASTER}s", durations
    )


def rules() -> list[dict[str, Any]]:
    """Every alert as infra/observe has it."""
    groups = yaml.safe_load((OBSERVE / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


class WatchingPrometheus:
    """Scrapes the services every second; `fired` collects the labels of each alert that fired."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port()}", trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None
        self.fired: dict[str, list[dict[str, str]]] = defaultdict(list)

    def __enter__(self) -> Self:
        self._write_configuration()
        program = find("prometheus")
        assert program
        command = [
            str(program), f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={self._http.base_url.netloc.decode()}",
        ]  # fmt: skip
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=signal_on_parent_death(signal.SIGKILL)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(60)

    def _write_configuration(self) -> None:
        settings = yaml.safe_load((OBSERVE / "prometheus.yml").read_text())
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        del settings["alerting"]
        for job in settings["scrape_configs"]:
            url = self._stack.url(job["job_name"].removeprefix("ava-"))
            job["static_configs"] = [{"targets": [url.removeprefix("http://")]}]
        faster = [
            {**rule, "expr": compressed(rule["expr"]), "for": compressed(rule.get("for", "0s"))}
            for rule in rules()
        ]
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        (self._folder / "alerts.yml").write_text(
            yaml.safe_dump({"groups": [{"name": "ava", "rules": faster}]})
        )

    async def result(self, query: str) -> list[dict[str, Any]]:
        """The samples of an instant query; raises for one that is wrong."""
        answer = await self._http.get("/api/v1/query", params={"query": query})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    async def firing(self) -> set[str]:
        """The names of the alerts that are firing now; remembered in `fired`."""
        answer = (await self._http.get("/api/v1/alerts")).json()
        now = [alert["labels"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"]
        for labels in now:
            if labels not in self.fired[labels["alertname"]]:
                self.fired[labels["alertname"]].append(labels)
        return {labels["alertname"] for labels in now}

    async def until_scraped(self) -> None:
        """Until every service has been scraped, and the rules have been evaluated."""

        async def are_scraped() -> bool:
            try:
                up = await self.result("sum(up)")
            except httpx.HTTPError:
                return False
            return bool(up) and up[0]["value"][1] == "4" and bool(await self.firing())

        await eventually(are_scraped)

    async def until_fired(self, *alerts: str, timeout_seconds: float = 240, **labels: str) -> None:
        """Until each of these alerts has fired, with these labels; fails with those that have not."""
        missing: list[str] = []

        async def have_fired() -> bool:
            await self.firing()
            missing[:] = [alert for alert in alerts if not self._has_fired(alert, labels)]
            return not missing

        try:
            await eventually(have_fired, timeout_seconds)
        except TimeoutError:
            pytest.fail(f"did not fire within {timeout_seconds} s: {', '.join(missing)}")

    def _has_fired(self, alert: str, labels: dict[str, str]) -> bool:
        return any(labels.items() <= fired.items() for fired in self.fired.get(alert, []))

    async def until_started(self, job: str, unlike: str = "") -> str:
        """When the process of this job started, once that is known and not `unlike`."""
        start = ""

        async def is_known() -> bool:
            nonlocal start
            found = await self.result(f'process_start_time_seconds{{job="{job}"}}')
            start = found[0]["value"][1] if found else ""
            return start not in ("", unlike)

        await eventually(is_known, 120)
        return start

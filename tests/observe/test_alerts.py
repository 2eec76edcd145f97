"""Each alert has a tested rule and a paragraph in the runbook, and fires for a real fault."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ava_local.devtools.prometheus_programs import find
from ava_local.stack.control import Stack

from .faults import PROBES, Faults
from .watching_prometheus import OBSERVE, WatchingPrometheus, compressed, rules

pytestmark = pytest.mark.timeout(900)  # the faults are made once, for all of these tests

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "infra/README.md").read_text()
ALERTS = [rule["alert"] for rule in rules()]
DASHBOARD = json.loads((OBSERVE / "dashboard.json").read_text())
QUERIES = [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
]


def check(program: str, *arguments: str, text: str | None = None) -> str:
    """What promtool or amtool says in infra/observe; it must be satisfied."""
    command = [str(find(program)), *arguments]
    done = subprocess.run(command, cwd=OBSERVE, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def paragraphs() -> dict[str, str]:
    """The runbook's paragraphs for alerts by their anchors."""
    section = RUNBOOK.partition("\n### When an alert fires\n")[2].partition("\n### ")[0]
    parts = re.split(r"^#### (.+)$", section, flags=re.MULTILINE)
    return {
        title.lower().replace(" ", "-").replace("'", ""): text
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_prometheus_accepts_the_configuration_and_its_own_tests_of_the_rules_pass(
    prometheus_installed: None,
) -> None:
    assert "SUCCESS" in check("promtool", "check", "config", "prometheus.yml")
    assert "SUCCESS" in check("promtool", "test", "rules", "alerts.test.yml")


def test_alertmanager_accepts_the_example(prometheus_installed: None) -> None:
    assert "SUCCESS" in check("amtool", "check-config", "alertmanager.yml")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_test_of_its_rule_that_expects_it(alert: str) -> None:
    tests = yaml.safe_load((OBSERVE / "alerts.test.yml").read_text())["tests"]
    expected = [
        sample["labels"]
        for test in tests
        for question in test["promql_expr_test"]
        for sample in question["exp_samples"]
    ]
    assert any(f'alertname="{alert}"' in labels for labels in expected)


def test_every_alert_names_a_paragraph_of_the_runbook_and_every_paragraph_has_an_alert() -> None:
    named = {rule["annotations"]["runbook"].removeprefix("infra/README.md#") for rule in rules()}
    assert named == set(paragraphs())
    assert all(text.strip() for text in paragraphs().values())


def test_the_runbook_says_what_to_do_about_each_alert_of_the_gateway() -> None:
    source = (ROOT / "services/whatsapp-gateway/src/ava_whatsapp_gateway/metrics.py").read_text()
    [first] = re.findall(r"for _alert in \(([^)]*)\)", source)
    [ignored] = re.findall(r'alert!~"([^"]+)"', (OBSERVE / "alerts.yml").read_text())
    raised = set(re.findall(r'"(\w+)"', first)) - set(ignored.split("|"))
    told = set(re.findall(r"^- `(\w+)`:", paragraphs()["the-gateway-raised-an-alert"], re.MULTILINE))
    assert told == raised


def test_every_alert_that_the_code_raises_begins_at_zero() -> None:
    package = ROOT / "services/whatsapp-gateway/src/ava_whatsapp_gateway"
    sources = [path.read_text() for path in package.rglob("*.py")]
    raised = {
        name for source in sources for name in re.findall(r'\b(?:ALERTS\.labels|_alert)\("(\w+)"', source)
    }
    [first] = re.findall(r"for _alert in \(([^)]*)\)", (package / "metrics.py").read_text())
    assert raised == set(re.findall(r'"(\w+)"', first))


def test_durations_are_compressed() -> None:
    assert compressed("rate(x[5m]) > 300 and increase(y[1h])") == "rate(x[10s]) > 300 and increase(y[120s])"


def test_nothing_but_the_watchdog_fires_while_all_is_well(faults: Faults) -> None:
    assert faults.calm == {"AvaWatchdog"}


@pytest.mark.parametrize("alert", ALERTS)
def test_a_real_fault_fires(faults: Faults, alert: str) -> None:
    assert faults.prometheus.fired[alert]


@pytest.mark.parametrize(
    ("alert", "labels"),
    [
        ("AvaServiceDown", {"job": "ava-messaging"}),
        ("AvaServiceRestarting", {"job": "ava-profile"}),
        ("AvaServiceNotReady", {"job": "ava-auth", "pointer": "accounts"}),
        ("AvaUndecided", {"what": "events", "state": "dead"}),
        ("AvaUndecided", {"what": "deliveries", "state": "quarantined"}),
        ("AvaGatewayAlert", {"alert": "account_notice"}),
        ("AvaGatewayAlert", {"alert": "ambiguous_number"}),
        ("AvaSlow", {"job": "ava-messaging"}),
        ("AvaManyRefusals", {"job": "ava-auth"}),
        ("AvaRetentionLate", {"kind": "done"}),
    ],
)
def test_an_alert_says_what_it_is_about(faults: Faults, alert: str, labels: dict[str, str]) -> None:
    assert [found for found in faults.prometheus.fired[alert] if labels.items() <= found.items()]


def test_public_probes_are_listed_and_tell_a_service_that_is_away(faults: Faults) -> None:
    listed = dict(re.findall(r"^\| `https://ava\.example\.org(/[^`]*)` \| (\d{3}) \|", RUNBOOK, re.MULTILINE))
    assert {path: int(status) for path, status in listed.items()} == PROBES
    assert faults.probes["all is well"] == PROBES
    assert faults.probes["messaging is away"] == PROBES | {"/messages": 502}


@pytest.mark.parametrize(("title", "query"), QUERIES)
async def test_every_query_of_the_dashboard_has_an_answer(
    faults: Faults, prometheus: WatchingPrometheus, title: str, query: str
) -> None:
    asked = query.replace("$__rate_interval", "10m").replace("30m", "10m")
    assert await prometheus.result(asked), title


def test_every_metric_of_ours_is_on_the_dashboard(faults: Faults) -> None:
    pinned = json.loads((ROOT / "tests/contract/pinned/metrics.json").read_text())
    shown = " ".join(query for _, query in QUERIES)
    assert [name for name in pinned if name not in shown] == []


@pytest.mark.parametrize("service", ["auth", "profile", "messaging", "whatsapp-gateway"])
async def test_promtool_finds_nothing_wrong_with_the_metrics(
    faults: Faults, watched_stack: Stack, service: str
) -> None:
    text = (await faults._http.get(f"{watched_stack.url(service)}/metrics")).text
    assert check("promtool", "check", "metrics", text=text) == ""

"""One rule for the names of metrics, for all services."""

import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from .test_pinned import PACKAGES, modules

for _package in PACKAGES:
    list(modules(_package))
OURS: list[Any] = [metric for metric in REGISTRY._collector_to_names if hasattr(metric, "_documentation")]
SUBJECTS = ("http", "service", "auth", "profile", "messaging", "whatsapp")
UNITS = {"age": "seconds", "duration": "seconds", "limit": "seconds", "size": "bytes"}


@pytest.mark.parametrize("metric", OURS, ids=lambda metric: metric._name)
def test_a_metric_is_named_by_the_rule_and_explained(metric: Any) -> None:
    words = metric._name.split("_")
    assert words[0] in SUBJECTS, "it begins with what it is about"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric._name)
    for word, unit in UNITS.items():
        assert word not in words or words[-1] == unit, "it ends with its unit"
    assert {"ms", "milliseconds", "minutes", "total", "count"}.isdisjoint(words)
    assert re.fullmatch(r"[A-Z0-9][^\n]+\.", metric._documentation), "a sentence says what it is"
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in metric._labelnames)

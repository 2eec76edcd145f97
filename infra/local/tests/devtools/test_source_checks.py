"""The checks of `./ava check` look at every file they are meant for, and show what failed."""

import pytest

from ava_local.devtools import source_checks
from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES


def test_the_checks_cover_every_file_they_are_meant_for() -> None:
    checked = {word for check in source_checks.all_checks() for word in check.command}
    assert {"ava", ".ci/run", "infra/caddy/Caddyfile", "infra/docker-compose.yml"} <= checked
    assert {f"services/{service}/Dockerfile" for service in SERVICES} <= checked
    assert {str(file.relative_to(ROOT)) for file in ROOT.glob("supabase/migrations/*.sql")} <= checked


@pytest.mark.usefixtures("processes")
def test_a_failed_check_shows_its_output() -> None:
    result = source_checks.run_check(
        source_checks.Check("python", ("python", "-c", "print('because'); raise SystemExit(1)"))
    )
    assert (result.passed, result.output) == (False, "because")

"""The checks of `./ava check` look at every file they are meant for, and show what failed."""

from ava_local.devtools import source_checks
from ava_local.repository import ROOT


def test_the_checks_look_at_everything_there_is_to_look_at():
    watched = {word for check in source_checks.all_checks() for word in check.command}
    assert {"ava", ".ci/run", "infra/caddy/Caddyfile"} <= watched
    assert {str(file.relative_to(ROOT)) for file in ROOT.glob("supabase/migrations/*.sql")} <= watched


def test_a_check_that_fails_is_told_with_its_words():
    outcome = source_checks.run_check(
        source_checks.Check("python", ("python", "-c", "print('because'); raise SystemExit(1)"))
    )
    assert (outcome.passed, outcome.output) == (False, "because")

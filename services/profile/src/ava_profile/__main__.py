"""`python -m ava_profile check`: the variables, the database and auth, each ok or refused in words.

Decision 0120.
"""

import sys
from collections.abc import Sequence

from ava_common import checks
from ava_common.checks import Check
from ava_common.operator_command import run
from ava_profile.app import DATABASE_CONNECTIONS, SESSION_PATH
from ava_profile.settings import Settings


async def outside(settings: Settings) -> list[Check]:
    """All that the variables lead to."""
    url = settings.database_url.get_secret_value()
    return [
        *await checks.database_checks(url, "PROFILE_DATABASE_URL", DATABASE_CONNECTIONS),
        *await checks.session_checks("AUTH_URL", settings.auth_url, SESSION_PATH),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if nothing is refused, 1 otherwise, 2 when the arguments are wrong."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] != ["check"]:
        sys.stderr.write("usage: python -m ava_profile check [--json]\n")
        return 2
    return checks.main(Settings, outside, given[1:])


if __name__ == "__main__":
    sys.exit(run(main))

"""What cannot be tested on a machine is reported, with what to install."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("processes")


def test_where_nothing_can_be_installed_it_is_reported_what_stays_untested() -> None:
    program = (
        "from ava_local.devtools.optional_programs import install_missing;"
        "print(*install_missing(), sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True
    )
    assert "NOT TESTED: compatibility with the Supabase CLI" in result.stdout
    assert "apt-get install nodejs npm" in result.stdout

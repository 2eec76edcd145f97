"""What the tests cannot prove on a machine is said in words, with the way to change it."""

import subprocess
import sys


def test_where_nothing_can_be_fetched_it_is_said_what_stays_unproven():
    program = (
        "from ava_local.devtools.debian_packages import install_missing; print(*install_missing(), sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True
    )
    assert "NOT PROVEN: that the Supabase CLI" in result.stdout
    assert "apt-get install nodejs npm" in result.stdout

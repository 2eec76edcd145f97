"""Rules of ARCHITECTURE.md ("Never") that are properties of the source itself."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path for path in (ROOT / "services").iterdir() if (path / "src").is_dir())
STAND_IN = re.compile(r"mock|\bfake|simulat|stand[_ -]?in(?!g)|test[_ -]?mode|pytest", re.IGNORECASE)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_no_service_knows_of_a_stand_in(service: Path) -> None:
    """In code, comments and example settings alike; the common library is asked about services already."""
    read = [*service.rglob("src/**/*.py"), service / ".env.example", *ROOT.glob("libs/common/src/**/*.py")]
    found = {path.relative_to(ROOT): STAND_IN.search(path.read_text("utf-8")) for path in read}
    assert {path: match[0] for path, match in found.items() if match} == {}


def test_a_mock_switch_would_be_found() -> None:
    for line in ("use_mock: bool = False", "if settings.test_mode:", "import FakeGraph", "AUTH_SIMULATE=1"):
        assert STAND_IN.search(line), line
    assert not STAND_IN.search("await supabase.check_standing(user_id)")

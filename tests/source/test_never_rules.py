"""Rules of ARCHITECTURE.md ("Never") that are properties of the source itself."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path for path in (ROOT / "services").iterdir() if (path / "src").is_dir())
STAND_IN = re.compile(r"mock|\bfake|simulat|stand[_ -]?in(?!g)|test[_ -]?mode|pytest", re.IGNORECASE)

# SHA-256 of each migration that 0.1.0 was released with.
RELEASED = {
    "20261122000100_core.sql": "20927d660a060b155652f222b5341fc2e9df6562f3dd4b1f1735b566a2872170",
    "20261122000200_whatsapp.sql": "1badf7ab282210e2c22ae800f15b927af0a37597e166700f83c37d9dfbf95a9a",
    "20261122000300_accounts.sql": "fd1663995567c57d3d695159a6169bc1f850c370748a1dd88918680f4ce4ef94",
    "20261122000400_messages_page.sql": "fb7d769e5bf48fac56b84c2b9feb09af21c235658ee86923c42120b6b1b4c446",
}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_migration_is_never_edited(name: str) -> None:
    text = (ROOT / "supabase/migrations" / name).read_bytes()
    assert hashlib.sha256(text).hexdigest() == RELEASED[name], "restore it, and correct it in a new migration"


def test_a_new_migration_comes_after_the_released_ones() -> None:
    names = sorted(path.name for path in (ROOT / "supabase/migrations").glob("*.sql"))
    assert names[: len(RELEASED)] == sorted(RELEASED)


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

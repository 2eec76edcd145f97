"""Rules of this service that are programs: exactly one module speaks to Supabase Auth."""

import ast
from pathlib import Path

SOURCES = sorted((Path(__file__).parents[1] / "src" / "ava_auth").rglob("*.py"))


def imported(source: Path) -> set[str]:
    """The top-level packages a module imports."""
    tree = ast.parse(source.read_text("utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.partition(".")[0] for name in names}


def test_exactly_one_module_speaks_to_supabase() -> None:
    speaking = [source.name for source in SOURCES if imported(source) & {"supabase", "supabase_auth"}]
    assert speaking == ["supabase.py"]

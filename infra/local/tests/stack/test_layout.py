"""The files of a stack."""

from pathlib import Path

from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create


def test_deleting_a_stacks_files_leaves_others_in_the_folder(tmp_path: Path) -> None:
    layout = StackLayout(tmp_path, 8080)
    layout.create_folders()
    Environment(layout, load_or_create(tmp_path / "secrets.json"), {}).write_env_files()
    (tmp_path / "notes.txt").write_text("dear …")
    layout.delete_files()
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]

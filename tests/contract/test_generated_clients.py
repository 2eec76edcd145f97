"""Three generators make complete clients of the merged description, in Python and in TypeScript."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ava_local.devtools import api_description

pytestmark = pytest.mark.usefixtures("processes")
PROGRAMS = Path(sys.executable).parent
# The generator knows no lines of JSON; docs/api.md tells its users the same override.
CONFIG = """
package_name_override: ava_client
post_hooks: []
content_type_overrides:
  application/x-ndjson: text/plain
"""
USE = """
import sys
sys.path.insert(0, {folder!r})
from ava_client import AuthenticatedClient
from ava_client.api.avatar import avatar_put
from ava_client.api.messages import messages_list
from ava_client.models import AvatarDraft, Personality
draft = AvatarDraft(name="Mira", age=27, personality=Personality.WITTY, physical_description="Dark curls.")
put = avatar_put._get_kwargs(body=draft, if_none_match="*")
assert (put["method"], put["url"], put["headers"]["if-none-match"]) == ("put", "/profile/avatar", "*"), put
assert messages_list._get_kwargs(limit=2)["params"]["limit"] == 2
"""
TYPED = """
import type {{ components, operations, paths }} from "./{name}";
export const draft: components["schemas"]["AvatarDraft"] =
  {{ name: "Mira", age: 27, personality: "witty", physical_description: "" }};
export type Asked = NonNullable<operations["messages_list"]["parameters"]["query"]>;
export const asked: Asked = {{ limit: 2, order: "oldest" }};
export type Listed = paths["/messages"]["get"]["responses"][200]["content"]["application/json"];
export const next = (page: Listed): string | null => page.next;
"""


def operation_ids() -> set[str]:
    paths: dict[str, Any] = json.loads(api_description.MERGED.read_text())["paths"]
    return {operation["operationId"] for item in paths.values() for operation in item.values()}


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_openapi_python_client_makes_every_operation(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(CONFIG)
    told = run(
        *(PROGRAMS / "openapi-python-client", "generate", "--path", api_description.MERGED),
        *("--meta", "none", "--output-path", tmp_path / "ava_client", "--config", config),
        cwd=tmp_path,
    )
    assert "will not be generated" not in told, told
    assert "Warning" not in told, told
    made = {file.stem for file in (tmp_path / "ava_client/api").rglob("*.py")} - {"__init__"}
    assert made == operation_ids()
    run(sys.executable, "-m", "compileall", "-q", tmp_path / "ava_client", cwd=tmp_path)
    run(sys.executable, "-c", USE.format(folder=str(tmp_path)), cwd=tmp_path)


def test_datamodel_code_generator_makes_every_schema(tmp_path: Path) -> None:
    target = tmp_path / "models.py"
    told = run(
        *(PROGRAMS / "datamodel-codegen", "--input", api_description.MERGED, "--input-file-type", "openapi"),
        *(
            "--output",
            target,
            "--output-model-type",
            "pydantic_v2.BaseModel",
            "--formatters",
            "builtin",
            "--type-mappings",
            "email=string",  # otherwise the models need pydantic[email], which is not installed here
            "--target-python-version",
            "3.11",
        ),
        cwd=tmp_path,
    )
    assert "Warning" not in told, told
    schemas = json.loads(api_description.MERGED.read_text())["components"]["schemas"]
    made = set(re.findall(r"^class (\w+)\(", target.read_text(), re.MULTILINE))
    assert set(schemas) - made == set()
    check = "import models; models.AvatarDraft(name='Mira', age=27, personality='witty')"
    run(sys.executable, "-c", check, cwd=tmp_path)


@pytest.mark.timeout(400)
def test_openapi_typescript_makes_types_that_compile_strictly(npm_programs: Path, tmp_path: Path) -> None:
    run(npm_programs / "openapi-typescript", api_description.MERGED, "-o", "ava.ts", cwd=tmp_path)
    made = (tmp_path / "ava.ts").read_text()
    assert [one for one in operation_ids() if f"    {one}: {{" not in made] == []
    (tmp_path / "use.ts").write_text(TYPED.format(name="ava"))
    run(npm_programs / "tsc", "--strict", "--noEmit", "--target", "es2022", "use.ts", cwd=tmp_path)

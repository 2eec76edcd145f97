"""One description of the whole API: merged from the four, complete, linted, and without what is internal."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from ava_local.devtools import api_description

# Redocly's rules of taste that we do not follow, with the reason.
NOT_FOLLOWED = {
    "no-server-example.com": "there is no server to name: every Ava describes itself",
    "operation-4xx-response": "a list that is open to everyone refuses nothing of its own",
}

Operation = dict[str, Any]


def description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(api_description.MERGED.read_text())
    return found


def operations() -> Iterator[tuple[str, Operation]]:
    for path, item in description()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_the_committed_description_is_what_the_four_make_together() -> None:
    if os.environ.get("AVA_REFRESH_CONTRACTS"):
        api_description.write()
    assert description() == json.loads(json.dumps(api_description.merged()))


def test_it_is_valid_openapi() -> None:
    validate(description())


def test_two_schemas_of_one_name_are_refused() -> None:
    one, other = ({"components": {"schemas": {"Cup": {"type": kind}}}} for kind in ("object", "string"))
    with pytest.raises(api_description.SchemasDiffer, match="Cup"):
        api_description.merged_schemas([one, other])


def test_every_operation_has_an_id_that_names_what_it_is_about() -> None:
    ids = {name: operation["operationId"] for name, operation in operations()}
    assert len(set(ids.values())) == len(ids)
    assert ids["GET /messages"] == "messages_list"
    assert [one for one in ids.values() if not re.fullmatch(r"[a-z]+(_[a-z]+)+", one)] == []


def test_every_operation_says_what_it_does_and_has_a_described_tag() -> None:
    tags = {tag["name"]: tag["description"] for tag in description()["tags"]}
    assert all(tags.values())
    assert {tag for _, operation in operations() for tag in operation["tags"]} == tags.keys()
    assert [name for name, operation in operations() if not operation["description"].endswith(".")] == []


def test_it_tells_who_serves_it_under_which_licence() -> None:
    found = description()
    assert found["servers"][0]["url"] == "/"
    assert found["info"]["license"]["name"] == "MIT"
    assert "RFC 9457" in found["info"]["description"]


def test_nothing_internal_is_in_it() -> None:
    text = json.dumps(description())
    assert [
        one for one in ("/internal/", "__Host-", "_Documented", "HTTPBasic", "x-internal") if one in text
    ] == []
    assert "put" not in description()["paths"]["/messages/{message_id}"], "only services may"
    schemas = description()["components"]["schemas"]
    assert [name for name in schemas if f'"#/components/schemas/{name}"' not in text] == []


def test_every_status_that_can_come_is_described_and_no_other() -> None:
    for name, operation in operations():
        statuses = set(operation["responses"])
        assert {"500", "502", "503", "504"} <= statuses, name
        assert ("413" in statuses) == ("requestBody" in operation), name
        is_json = "application/json" in operation.get("requestBody", {}).get("content", {})
        assert ("400" in statuses) == is_json, name
        assert ("401" in statuses) or operation["security"] == [] or name.startswith("GET /.well"), name
        assert "content" not in operation["responses"].get("204", {}), name
        problems = {status for status in statuses if status >= "400"}
        for status in problems:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"], name


def test_every_field_that_a_client_sends_has_an_example_or_needs_none() -> None:
    found = description()
    bodies = {
        content["schema"]["$ref"].rsplit("/", 1)[1]
        for _, operation in operations()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in content["schema"]
    }
    assert len(bodies) >= 9
    unclear = [
        f"{body}.{name}"
        for body in sorted(bodies)
        for name, schema in found["components"]["schemas"][body]["properties"].items()
        if not {"examples", "enum", "$ref", "format"} & set(re.findall(r'"([^"]+)":', json.dumps(schema)))
    ]
    assert unclear == []


def redocly(npm_programs: Path, file: Path) -> list[str]:
    linter = Path(__file__).with_name("redocly_lint.cjs")
    command = ["node", str(linter), str(npm_programs.parent), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line.split(":")[0] not in NOT_FOLLOWED]


@pytest.mark.timeout(400)
def test_redoclys_recommended_rules_find_nothing(npm_programs: Path, tmp_path: Path) -> None:
    assert redocly(npm_programs, api_description.MERGED) == []
    worse = description()
    del worse["paths"]["/messages"]["get"]["security"], worse["paths"]["/messages"]["get"]["operationId"]
    (tmp_path / "worse.json").write_text(json.dumps(worse))
    found = redocly(npm_programs, tmp_path / "worse.json")
    assert {line.split(":")[0] for line in found} == {"security-defined", "operation-operationId"}

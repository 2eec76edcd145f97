"""What an owner gets wrong on the first day: `./ava up` says it in a sentence, within five seconds."""

from pathlib import Path

import pytest

from ava_local.ports import free_port
from ava_local.testing.databases import temporary_cluster
from ava_local.testing.transaction_pooler import transaction_pooler

from .misconfigured_stack import answering, told_by_up

pytestmark = [pytest.mark.usefixtures("processes"), pytest.mark.timeout(240)]

KEYS = {
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_0123456789",
    "SUPABASE_SECRET_KEY": "sb_secret_0123456789",
}
SWAPPED = {
    "SUPABASE_PUBLISHABLE_KEY": "sb_secret_0123456789",
    "SUPABASE_SECRET_KEY": "sb_publishable_0123456789",
}
PROJECT = {**KEYS, "SUPABASE_URL": "https://abc.supabase.co"}
META = {
    "GRAPH_API_URL": "https://graph.facebook.com",
    "WHATSAPP_GATEWAY_ACCESS_TOKEN": "EAAG0123456789abcdef",
    "WHATSAPP_GATEWAY_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_GATEWAY_APP_SECRETS": "0123456789abcdef0123456789abcdef",
}
ADMIN = "AVA_DATABASE_ADMIN_URL"
POOLER = "postgresql://postgres.abc:a-word@aws-0-eu.pooler.supabase.com"
GOTRUE = {"/auth/v1/health": (200, '{"name": "GoTrue"}')}

NOTHING_STARTED = [
    ({"SUPABASE_URL": "https://abc.supabase.co"}, "SUPABASE_URL is set, so these variables are required"),
    ({"GRAPH_API_URL": META["GRAPH_API_URL"]}, "GRAPH_API_URL is set, so these variables are required"),
    (PROJECT | {"SUPABASE_URL": "abc.supabase.co"}, "SUPABASE_URL: is not a valid URL; it should look like"),
    (
        PROJECT | {"SUPABASE_URL": "https://change-me.supabase.co"},
        "SUPABASE_URL: still holds the placeholder",
    ),
    (PROJECT | {"SUPABASE_URL": "https://abc.supabase.co/auth/v1"}, "SUPABASE_URL: must be the project's"),
    (PROJECT | SWAPPED, "SUPABASE_SECRET_KEY: holds the publishable key"),
    (PROJECT | {"SUPABASE_SECRET_KEY": "'sb_secret_0123'"}, "SUPABASE_SECRET_KEY: has a space, a quote"),
    ({ADMIN: "localhost"}, f"{ADMIN}: is not a valid database URL; it should look like postgresql://"),
    (
        {ADMIN: "postgresql://postgres:[YOUR-PASSWORD]@db.abc.supabase.co/postgres"},
        f"{ADMIN}: still has [YOUR",
    ),
    ({ADMIN: f"{POOLER}:6543/postgres?sslmode=require"}, f"{ADMIN}: leads to a transaction pooler"),
    ({ADMIN: f"{POOLER}:5432/postgres?pgbouncer=true"}, f"{ADMIN}: has ?pgbouncer=…"),
    ({ADMIN: "postgresql://postgres:p#ss@127.0.0.1/postgres"}, f"{ADMIN}: has a character in the password"),
    ({"WHATSAPP_GATEWAY_PHONE_NUMBER_ID": "+4915112345678"}, "PHONE_NUMBER_ID: must be the number's id"),
    ({"GRAPH_API_VERSION": "25"}, "GRAPH_API_VERSION: must look like v25.0"),
    (
        META | {"GRAPH_API_URL": "https://graph.facebook.com/v25.0"},
        "GRAPH_API_URL: must not hold the version",
    ),
    (META | {"WHATSAPP_GATEWAY_ACCESS_TOKEN": "Bearer EAAG0123456789"}, "ACCESS_TOKEN: begins with Bearer"),
    ({"WHATSAPP_GATEWAY_VERIFY_TOKEN": "abc"}, "WHATSAPP_GATEWAY_VERIFY_TOKEN: is shorter than 16"),
    ({"WHATSAPP_GATEWAY_LINK_CONFIRMATION": "sms"}, "LINK_CONFIRMATION: must be 'off' or 'code'"),
    ({"PUBLIC_URL": "ava.example.org"}, "PUBLIC_URL: is not a valid URL; it should look like"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: must be 'DEBUG'"),
]


@pytest.mark.parametrize(("variables", "words"), NOTHING_STARTED, ids=[words for _, words in NOTHING_STARTED])
async def test_what_can_be_seen_in_a_variable_starts_nothing(
    tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    told = await told_by_up(tmp_path, variables, "nothing was started", words, ends=True)
    assert (told.code, "Traceback" in told.text, "a-word" in told.text) == (1, False, False), told.text


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SUPABSE_URL": "https://abc.supabase.co"}, ["did you mean SUPABASE_URL?"]),
        (
            {"SUPABASE_URL": "https://no-such-project.invalid", **KEYS},
            ["auth", "degraded: accounts: SUPABASE_URL (https://no-such-project.invalid) cannot be reached"],
        ),
    ],
)
async def test_what_only_shows_outside_is_told_while_the_rest_starts(
    tmp_path: Path, variables: dict[str, str], words: list[str]
) -> None:
    await told_by_up(tmp_path, variables, *words, ends=False)


@pytest.mark.parametrize(
    ("supabase", "words", "graph", "more"),
    [
        (
            {"": (540, "")},
            "the Supabase project is paused",
            (401, 190),
            "refuses WHATSAPP_GATEWAY_ACCESS_TOKEN",
        ),
        ({"": (401, "")}, "Supabase refuses SUPABASE_PUBLISHABLE_KEY", (400, 100), "_PHONE_NUMBER_ID"),
        ({**GOTRUE, "": (401, "")}, "Supabase refuses SUPABASE_SECRET_KEY", (403, 10), "lacks a permission"),
        ({"": (200, "{}")}, "leads to something that is not Supabase Auth", (401, 190), "_ACCESS_TOKEN"),
    ],
)
async def test_what_supabase_and_meta_refuse_is_told_by_variable(
    tmp_path: Path, supabase: dict[str, tuple[int, str]], words: str, graph: tuple[int, int], more: str
) -> None:
    error = graph[0], f'{{"error": {{"code": {graph[1]}}}}}'
    with answering(supabase) as project, answering({"": error}) as meta:
        variables = KEYS | {"SUPABASE_URL": project} | META | {"GRAPH_API_URL": meta}
        await told_by_up(tmp_path, variables, words, more, ends=False)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (
            "no-such-host.invalid:5432",
            "no-such-host.invalid:5432 in AVA_DATABASE_ADMIN_URL is not a known host",
        ),
        ("[2001:db8::1]:5432", "has an IPv6 address only, which cannot be reached from here"),
        (f"127.0.0.1:{free_port()}", "nothing listens at 127.0.0.1:"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path, host: str, words: str) -> None:
    url = f"postgresql://postgres:a-word@{host}/postgres?sslmode=prefer"
    if "127.0.0.1" not in host:
        url = url.replace("prefer", "require")
    told = await told_by_up(tmp_path, {ADMIN: url}, words, ends=True)
    assert (told.code, "Traceback" in told.text, "a-word" in told.text) == (1, False, False), told.text


async def test_a_wrong_password_and_a_transaction_pooler_are_told(tmp_path: Path) -> None:
    with temporary_cluster() as server:
        url = server.url()
        login = url.partition("://")[2].partition("@")[0]
        wrong = url.replace(login, "postgres:a-word")
        told = await told_by_up(tmp_path / "a", {ADMIN: wrong}, "the password of postgres", ends=True)
        assert "a-word" not in told.text
        async with transaction_pooler(server.port) as port:
            pooled = {ADMIN: url.replace(f":{server.port}/", f":{port}/")}
            told = await told_by_up(
                tmp_path / "b", pooled, f"{ADMIN} leads to a transaction pooler", ends=True
            )
    assert (told.code, "Traceback" in told.text) == (1, False), told.text

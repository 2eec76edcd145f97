"""The login URLs of every role, on the stack's own PostgreSQL or on AVA_DATABASE_ADMIN_URL's."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from ava_common import database_url
from ava_local.postgres.login_url import with_login

ADMIN_VARIABLE = "AVA_DATABASE_ADMIN_URL"


def role_url(admin_url: str, role: str, passwords: Mapping[str, str]) -> str:
    """The login URL of a role; through Supabase's pooler its name carries the project's reference."""
    address = database_url.address(admin_url)
    _, _, reference = address.role.partition(".")
    name = f"{role}.{reference}" if address.is_supabase_pooler and reference else role
    return with_login(admin_url, name, passwords[role])


def migrator_url(external_admin_url: str) -> str:
    """Migrations are applied as `postgres`; another administrator takes that role."""
    if database_url.address(external_admin_url).role.partition(".")[0] == "postgres":
        return external_admin_url
    separator = "&" if urlsplit(external_admin_url).query else "?"
    return f"{external_admin_url}{separator}role=postgres"

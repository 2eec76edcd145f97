"""The environment variables of every process: production's names, local URLs, generated secrets."""

import json
import os
from collections.abc import Mapping

from ava_local.expected_error import ExpectedError
from ava_local.postgres.cluster import Cluster
from ava_local.repository import ROOT
from ava_local.stack import database_urls, env_file, settings_check
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import StackSecrets, write_private_file

SERVICES = ("auth", "profile", "messaging", "whatsapp-gateway")
OPTIONAL = ("SUPABASE_JWT_SECRET", "SUPABASE_JWT_ISSUER", "AUTH_ISSUER", "GRAPH_API_VERSION", "LOG_LEVEL")
RESERVED = ("OLLAMA_URL", "IMAGE_GENERATION_URL")
PHONE_NUMBER_ID, DISPLAY_NUMBER = "106540352242922", "+15550783881"
EDGE_DEFAULTS = {"AVA_ADMIN": "off", "AVA_FAIL_DURATION": "0s", "AVA_RESPONSE_TIMEOUT": "60s"}
LOCAL_ATTEMPT_LIMIT = "10000"
BESIDE_ITS_DATABASE = {"WHATSAPP_GATEWAY_DATABASE_CONNECTIONS": "5"}
"""Each takes PostgreSQL 7 to 15 MB; far from a database five would be too few. Decision 0188."""


class MissingVariables(ExpectedError):
    """A stand-in was replaced by the real service, but its credentials are missing."""


def user_variables() -> dict[str, str]:
    """What the user set: the file `.env` in the repository, then the terminal's environment."""
    return {**env_file.read(ROOT / ".env"), **{name: value for name, value in os.environ.items() if value}}


class Environment:
    """The variables of each process. `user_variables` of the same name replace the stack's values."""

    def __init__(self, layout: StackLayout, secrets: StackSecrets, user_variables: Mapping[str, str]) -> None:
        self.layout, self.secrets, self.user_variables = layout, secrets, user_variables
        self.needs_supabase_standin = "SUPABASE_URL" not in user_variables
        self.needs_whatsapp_simulator = "GRAPH_API_URL" not in user_variables
        self.external_admin_url = user_variables.get(database_urls.ADMIN_VARIABLE)
        if problem := settings_check.admin_url_problem(self.external_admin_url):
            raise settings_check.InvalidVariables({database_urls.ADMIN_VARIABLE: problem})
        self._require_credentials()

    def _require_credentials(self) -> None:
        keys = ["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY"] if not self.needs_supabase_standin else []
        if not self.needs_whatsapp_simulator:
            keys += [f"WHATSAPP_GATEWAY_{key}" for key in ("ACCESS_TOKEN", "PHONE_NUMBER_ID", "APP_SECRETS")]
        if missing := [key for key in keys if key not in self.user_variables]:
            replaced = [name for name in ("SUPABASE_URL", "GRAPH_API_URL") if name in self.user_variables]
            given = " and ".join(f"{name}{settings_check.where_set(name)}" for name in replaced)
            verb = "is" if len(replaced) == 1 else "are"
            required = f"so these variables are required too: {', '.join(missing)}."
            raise MissingVariables(f"nothing was started: {given} {verb} set, {required}")

    def cluster(self) -> Cluster:
        return Cluster(self.layout.state_dir / "postgres", self.layout.port_of("postgres"))

    def database_url(self, role: str) -> str:
        """The login URL of a role, on the stack's own PostgreSQL or on AVA_DATABASE_ADMIN_URL's."""
        return database_urls.role_url(self.admin_database_url(), role, self.secrets.passwords)

    def admin_database_url(self) -> str:
        return self.external_admin_url or self.cluster().url()

    def migration_database_url(self) -> str:
        if not self.external_admin_url:
            return self.database_url("postgres")
        return database_urls.migrator_url(self.external_admin_url)

    def passwords(self) -> dict[str, str]:
        """The passwords to set: on an external server only those of the roles we use."""
        unused = {"postgres"} if self.external_admin_url else set()
        if not self.needs_supabase_standin:
            unused.add("supabase_auth_admin")
        return {role: password for role, password in self.secrets.passwords.items() if role not in unused}

    def database_setup(self) -> dict[str, str]:
        """The variables of the step that sets up the database."""
        return {
            "AVA_DATABASE_ADMIN_URL": self.admin_database_url(),
            "AVA_DATABASE_MIGRATOR_URL": self.migration_database_url(),
            "AVA_DATABASE_PASSWORDS": json.dumps(self.passwords()),
        }

    def shared_by_services(self) -> dict[str, str]:
        """The variables every service gets."""
        url = self.layout.url_of
        values = {
            "SUPABASE_URL": url("supabase-auth"),
            "AUTH_URL": url("auth"),
            "PROFILE_URL": url("profile"),
            "MESSAGING_URL": url("messaging"),
            "PUBLIC_URL": self.layout.public_url,
        }
        return values | {name: self.user_variables[name] for name in OPTIONAL if name in self.user_variables}

    def service(self, name: str) -> dict[str, str]:
        """All variables of one service, its own settings last."""
        prefix = name.upper().replace("-", "_") + "_"
        role = "ava_" + name.replace("-", "_")
        variables = {"auth": self._auth, "profile": self._profile, "whatsapp-gateway": self._gateway}
        own = variables[name]() if name in variables else {}
        values = {**self.shared_by_services(), f"{prefix}DATABASE_URL": self.database_url(role), **own}
        own_names = (prefix, *RESERVED) if name == "whatsapp-gateway" else (prefix,)
        given = self.user_variables.items()
        more = {key: value for key, value in given if key.startswith(own_names) or key in values}
        return values | more

    def _auth(self) -> dict[str, str]:
        return {
            "SUPABASE_PUBLISHABLE_KEY": self.secrets.publishable_key,
            "SUPABASE_SECRET_KEY": self.secrets.secret_key,
            "AUTH_SIGNING_KEYS": json.dumps([self.secrets.signing_key]),
            "AUTH_CLIENTS": json.dumps({"whatsapp-gateway": [self.secrets.client_secret]}),
            "AUTH_NETWORK_ATTEMPTS": LOCAL_ATTEMPT_LIMIT,
        }

    def _profile(self) -> dict[str, str]:
        return {
            "PROFILE_LINK_NETWORK_ATTEMPTS": LOCAL_ATTEMPT_LIMIT,
            "WHATSAPP_GATEWAY_LINK_CONFIRMATION": "off",
            "WHATSAPP_GATEWAY_DISPLAY_NUMBER": DISPLAY_NUMBER,
        }

    def _gateway(self) -> dict[str, str]:
        return {
            "GRAPH_API_URL": self.layout.url_of("whatsapp-simulator"),
            "WHATSAPP_GATEWAY_CLIENT_SECRET": self.secrets.client_secret,
            "WHATSAPP_GATEWAY_APP_SECRETS": self.secrets.app_secret,
            "WHATSAPP_GATEWAY_VERIFY_TOKEN": self.secrets.verify_token,
            "WHATSAPP_GATEWAY_ACCESS_TOKEN": self.secrets.access_token,
            "WHATSAPP_GATEWAY_PHONE_NUMBER_ID": PHONE_NUMBER_ID,
            "WHATSAPP_GATEWAY_LINK_CONFIRMATION": "off",
            **({} if self.external_admin_url else BESIDE_ITS_DATABASE),
        }

    def caddy(self) -> dict[str, str]:
        """The production Caddyfile's variables; Caddy's own files stay in the state folder."""
        upstreams = {
            f"{service.upper().replace('-', '_')}_UPSTREAM": f"127.0.0.1:{self.layout.port_of(service)}"
            for service in SERVICES
        }
        own_files = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(self.layout.state_dir / "caddy"))
        return {
            "AVA_SITE_ADDRESS": f":{self.layout.base_port}",
            "AVA_BIND": "127.0.0.1",
            **EDGE_DEFAULTS,
            **own_files,
            **upstreams,
        }

    def supabase_auth(self) -> dict[str, str]:
        """The Supabase Auth stand-in; e-mails are stored in its state folder."""
        values = {
            "DATABASE_URL": self.database_url("supabase_auth_admin"),
            "PORT": str(self.layout.port_of("supabase-auth")),
            "STATE_DIR": str(self.layout.state_dir / "supabase-auth"),
            "SITE_URL": self.layout.public_url,
            "PUBLISHABLE_KEY": self.secrets.publishable_key,
            "SECRET_KEY": self.secrets.secret_key,
            "RATE_LIMIT_BURST": LOCAL_ATTEMPT_LIMIT,
            "JWT_EXP": "600",
        }
        return self._prefixed("SUPABASE_AUTH_", values)

    def whatsapp_simulator(self) -> dict[str, str]:
        """The WhatsApp simulator; it posts webhooks through Caddy, as Meta would."""
        values = {
            "PORT": str(self.layout.port_of("whatsapp-simulator")),
            "WEBHOOK_URL": f"{self.layout.url_of('caddy')}/webhooks/whatsapp",
            "APP_SECRET": self.secrets.app_secret,
            "VERIFY_TOKEN": self.secrets.verify_token,
            "ACCESS_TOKEN": self.secrets.access_token,
            "PHONE_NUMBER_ID": PHONE_NUMBER_ID,
            "DISPLAY_NUMBER": DISPLAY_NUMBER,
        }
        return self._prefixed("WHATSAPP_SIMULATOR_", values)

    def _prefixed(self, prefix: str, values: Mapping[str, str]) -> dict[str, str]:
        more = {key: value for key, value in self.user_variables.items() if key.startswith(prefix)}
        return {prefix + key: value for key, value in values.items()} | more

    def check(self) -> list[str]:
        """Raises InvalidVariables; otherwise a sentence for each of the user's variables without effect."""
        return settings_check.check({name: self.service(name) for name in SERVICES}, self.user_variables)

    def write_env_files(self) -> None:
        """One file per service, as on a VPS, readable by its owner only."""
        for service in SERVICES:
            write_private_file(self.layout.env_dir / f"{service}.env", as_env_file(self.service(service)))


def as_env_file(values: Mapping[str, str]) -> str:
    """Lines that python-dotenv and a shell read alike."""
    return "".join("{}='{}'\n".format(name, value.replace("'", r"'\''")) for name, value in values.items())

"""`./ava env`: the addresses that a client of this stack needs, as variables."""

from ava_local.cli import console
from ava_local.cli.lifecycle import AsJson
from ava_local.stack.control import Stack, StackNotRunning
from ava_local.stack.environment import as_env_file


def env(json: AsJson = False) -> None:
    """Print what a client of the running stack needs, as lines for a .env file; no secrets."""
    stack = Stack()
    status = stack.status()
    if status is None:
        raise StackNotRunning("Ava is not running. Start it with: ./ava up")
    running = {process.name for process in status.processes}
    url = stack.public_url
    variables = {"AVA_URL": url, "AVA_OPENAPI_URL": f"{url}/openapi.json", "AVA_DOCS_URL": f"{url}/docs"}
    if "whatsapp-simulator" in running:
        variables["AVA_PHONE_URL"] = stack.simulator_url
    if "supabase-auth" in running:
        variables["AVA_MAILS_URL"] = f"{stack.url('supabase-auth')}/outbox"
    console.print_json(variables) if json else print(as_env_file(variables), end="")

"""`python -m ava_local.supabase_auth`: serve the stand-in on a loopback address until told to stop."""

import sys

import uvicorn
from pydantic import ValidationError

from ava_local.supabase_auth.app import create_app
from ava_local.supabase_auth.settings import Settings, is_loopback


def main() -> None:
    """Exit 2, listing what is wrong with the settings, or when the address is not this machine's own."""
    try:
        settings = Settings()  # read from the environment
    except ValidationError as error:
        sys.exit(_explained(error))
    if not is_loopback(settings.host):
        print(
            f"This stand-in is for one machine: SUPABASE_AUTH_HOST={settings.host} is not loopback.",
            file=sys.stderr,
        )
        sys.exit(2)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


def _explained(error: ValidationError) -> int:
    for flaw in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in flaw["loc"]).upper()
        print(f"SUPABASE_AUTH_{name}: {flaw['msg']}" if name else flaw["msg"], file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()

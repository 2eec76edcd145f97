"""Serves the stand-in on a loopback address: `python -m ava_supabase_standin`.

Decision 0020.
"""

import sys

import uvicorn
from pydantic import ValidationError

from ava_supabase_standin import setting_errors
from ava_supabase_standin.app import create_app
from ava_supabase_standin.settings import Settings, is_loopback


def main() -> None:
    """Serve until stopped; exits with 2 if settings are invalid or the address is not loopback."""
    try:
        settings = Settings()  # read from the environment
    except ValidationError as error:
        sys.exit(_print_setting_errors(error))
    if not is_loopback(settings.host):
        print(
            "The Supabase Auth stand-in is for local use only: "
            f"SUPABASE_AUTH_HOST={settings.host} is not a loopback address.",
            file=sys.stderr,
        )
        sys.exit(2)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


def _print_setting_errors(error: ValidationError) -> int:
    for problem in error.errors(include_url=False, include_input=False):
        print(setting_errors.line("SUPABASE_AUTH_", problem), file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()

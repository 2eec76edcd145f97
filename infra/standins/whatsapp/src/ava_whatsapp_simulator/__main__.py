"""Serves the simulator with uvicorn: `python -m ava_whatsapp_simulator`."""

import sys

import uvicorn
from pydantic import ValidationError

from ava_whatsapp_simulator import setting_errors
from ava_whatsapp_simulator.app import create_app
from ava_whatsapp_simulator.settings import Settings


def main() -> None:
    """Serve until stopped; exits with 2 and a list if settings are invalid."""
    try:
        settings = Settings()
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False, include_input=False):
            sys.stderr.write(setting_errors.line("WHATSAPP_SIMULATOR_", error) + "\n")
        sys.exit(2)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        ws="none",
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
        loop="uvloop",
        http="httptools",
    )


if __name__ == "__main__":
    main()

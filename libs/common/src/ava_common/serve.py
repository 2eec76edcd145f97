"""Serves a service with uvicorn as everywhere in Ava: `python -m ava_common.serve PACKAGE.app:build`.

Its options are uvicorn's own, <https://uvicorn.dev/settings/>; what differs are the defaults. Decision 0180.
"""

from uvicorn.main import main

DEFAULTS = {
    "factory": True,
    "http": "ava_common.http_protocol:HttpProtocol",
    "ws": "none",
    "access_log": False,
    "server_header": False,
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": 5,
}

if __name__ == "__main__":
    main(prog_name="python -m ava_common.serve", default_map=DEFAULTS)

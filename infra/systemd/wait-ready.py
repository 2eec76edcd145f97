"""Waits until a service is ready, or prints why it is not: `wait-ready.py URL [SECONDS]`."""

import os
import sys
import time
import urllib.error
import urllib.request

url, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
service = os.environ.get("MAINPID")  # set by systemd, which waits for this process also when that one is gone
UNSEEN_SECONDS = 5.0
"""ProtectProc=invisible hides that process from this one until it has become the service's own user."""

gone_after = time.monotonic() + UNSEEN_SECONDS
until, heard = time.monotonic() + seconds, "nothing"
while time.monotonic() < until:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            sys.exit(0)
    except urllib.error.HTTPError as refused:
        heard = refused.read().decode(errors="replace")
    except OSError as error:
        heard = str(error)
    if service and os.path.exists(f"/proc/{service}"):
        gone_after = 0.0
    elif service and time.monotonic() > gone_after:
        sys.exit("the service has ended")
    time.sleep(0.1)
sys.exit(f"not ready after {seconds:.0f} s: {heard}")

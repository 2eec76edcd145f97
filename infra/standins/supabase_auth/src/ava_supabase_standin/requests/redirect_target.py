"""Where a mailed link may lead the user back to: the site itself, loopback, or the allow list."""

import fnmatch
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from ava_supabase_standin.requests.client_address import first_valid_address
from ava_supabase_standin.resources import resources_of
from ava_supabase_standin.settings import Settings, is_loopback


def redirect_target(request: Request) -> str:
    """`redirect_to` if it is allowed, else the Referer if it is, else the site itself."""
    settings = resources_of(request).settings
    wanted = request.headers.get("redirect_to") or request.query_params.get("redirect_to") or ""
    for url in (wanted, request.headers.get("referer", "")):
        if is_allowed(url, settings):
            return url
    return settings.site_url


def is_allowed(url: str, settings: Settings) -> bool:
    """The site's own host, loopback addresses, and everything the allow list matches.

    The port does not count on a site that is this machine.
    """
    try:
        site, target = urlsplit(settings.site_url), urlsplit(url)
        host = target.hostname or ""
        same_port = is_loopback(host) or site.port == target.port
    except ValueError:
        return False
    if url and same_port and (site.scheme, site.hostname) == (target.scheme, host):
        return True
    if first_valid_address(host):
        return ipaddress.ip_address(host).is_loopback
    patterns = [pattern.strip() for pattern in settings.uri_allow_list.split(",") if pattern.strip()]
    return bool(url) and any(fnmatch.fnmatchcase(url.partition("#")[0], pattern) for pattern in patterns)

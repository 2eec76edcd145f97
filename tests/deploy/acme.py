"""An ACME server in a box, under the name of the certificate authority that Caddy asks."""

from deploy.box import Box, wait_for

AUTHORITY = "acme-v02.api.letsencrypt.org"
ADDRESS = "127.0.0.5"
NAME = "ava.example.org"
CADDYFILE = f"""\
{{
	admin off
	persist_config off
	skip_install_trust
	storage file_system /var/lib/acme
	auto_https disable_redirects
}}
https://{AUTHORITY} {{
	bind {ADDRESS}
	tls internal
	rewrite /directory /acme/local/directory
	acme_server
}}
"""
ROOT_CERTIFICATE = "/var/lib/acme/pki/authorities/local/root.crt"


def serve(box: Box, own_address: str) -> None:
    """Start it, let the box trust it, and let the box's name lead to itself."""
    (box.shared / "acme.caddyfile").write_text(CADDYFILE)
    box.run(f"printf '{ADDRESS} {AUTHORITY}\\n{own_address} {NAME}\\n' >>/etc/hosts")
    box.start("caddy run --adapter caddyfile --config /host/acme.caddyfile")
    wait_for(lambda: box.result(f"test -s {ROOT_CERTIFICATE}").returncode == 0, "no authority")
    box.run(f"cat {ROOT_CERTIFICATE} >>/etc/ssl/certs/ca-certificates.crt")
    # Who asks before it answers does not ask again within a minute.
    asking = f"curl -sf https://{AUTHORITY}/directory"
    wait_for(lambda: box.result(asking).returncode == 0, "the authority does not answer")

"""A host with a container engine: the images, the composition as it stands in the repository, deployments."""

import shutil
import subprocess
from pathlib import Path

from ava_local.stack.definition import CADDY
from ava_local.stack.environment import SERVICES
from deploy import readme, wheels
from deploy.box import HOST, Box, wait_for
from deploy.outside import Outside, lead_to
from deploy.roots import ENGINE, PYTHON

FOLDER = "/srv/ava"
COMPOSE = "docker compose -f infra/docker-compose.yml"
ENGINE_COMMAND = "dockerd >/run/dockerd.log 2>&1 & while :; do wait; sleep 1; done"
BASE_IMAGE = """\
FROM python-root
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY wheels /wheels
COPY pip.conf /etc/pip.conf
CMD ["python3"]
"""
CADDY_IMAGE = """\
FROM python-root
COPY caddy nc /usr/bin/
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
"""
UNUSED = ("--exclude=./var/lib/apt", "--exclude=./var/cache")
EDITOR = """\
#!/bin/sh
for file; do cat "/host/$(echo "$file" | tr / _)" >"$file"; done
"""
NC = "#!/bin/bash\nexec 3<>/dev/tcp/$2/$3\n"


class ComposeHost:
    """A box in which dockerd runs."""

    def __init__(self, outside: Outside, version: str) -> None:
        self.outside, self.version = outside, version
        self.box = Box("engine", ENGINE, ["sh", "-c", ENGINE_COMMAND])

    def prepare(self) -> None:
        """What the owner has before section 2a: an engine, a checkout; and the images of a registry."""
        wait_for(lambda: self.box.result("docker info").returncode == 0, "no container engine came")
        for name in ("caddy", "nc", "ca-certificates.crt"):
            self._share(name)
        shutil.copytree(wheels.FOLDER, self.box.shared / "wheels")
        (self.box.shared / "pip.conf").write_text(wheels.PIP_CONF)
        self._images()
        self.box.run(
            f"mkdir -p {FOLDER} && cd /repository && "
            f"tar --exclude=.ava --exclude=.git -cf - . | tar -C {FOLDER} -xf -"
        )
        lead_to(self.box, self.outside)

    def _share(self, name: str) -> None:
        target = self.box.shared / name
        if name == "nc":
            target.write_text(NC)
        else:
            shutil.copy(CADDY if name == "caddy" else Path("/etc/ssl/certs") / name, target)
        target.chmod(0o755)

    def _images(self) -> None:
        """The images that the Dockerfiles and the composition name, from Debian's packages."""
        packed = subprocess.Popen(
            ["tar", "-C", str(PYTHON.path), *UNUSED, "-cf", "-", "."], stdout=subprocess.PIPE
        )
        loading = self.box.command_line(
            "docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' - python-root"
        )
        subprocess.run(loading, stdin=packed.stdout, check=True, capture_output=True)
        packed.wait()
        self.box.run("ln -sf /host/caddy /usr/bin/caddy")
        for image, text in {
            "python:3.11-slim-bookworm": BASE_IMAGE,
            "caddy:2.11.7-alpine": CADDY_IMAGE,
        }.items():
            (self.box.shared / "Dockerfile").write_text(text)
            self.box.run(f"docker build -q -t {image} /host")

    def env_files(self, database_host: str = HOST) -> dict[str, str]:
        """Section 2a: one .env per service, and the version that runs; by their path in the checkout."""
        texts = {f"services/{s}/.env": self.outside.env_file(s, database_host) for s in SERVICES}
        names = [service.upper().replace("-", "_") for service in SERVICES]
        tags = "".join(f"{name}_VERSION={self.version}\n" for name in names)
        return {"infra/.env": f"AVA_SITE_ADDRESS=:80\n{tags}", **texts}

    def write_env_files(self) -> None:
        for path, text in self.env_files().items():
            self.write(f"{FOLDER}/{path}", text)

    def start(self) -> None:
        """The commands of the page; the editor is a program that fills in the files it is given."""
        for path, text in self.env_files().items():
            (self.box.shared / path.replace("/", "_")).write_text(text)
        (self.box.shared / "editor").write_text(EDITOR)
        self.box.run("install -m 755 /host/editor /usr/bin/editor")
        block = readme.commands("docker compose -f infra/docker-compose.yml up")
        self.box.run(f"export EDITOR=editor\nset -e\n{block}", FOLDER)

    def stack_variables(self) -> str:
        """What a stack is deployed with: the version that each service has here."""
        names = [service.upper().replace("-", "_") for service in SERVICES]
        return "AVA_SITE_ADDRESS=:80 " + " ".join(f"{name}_VERSION={self.version}" for name in names)

    def write(self, path: str, text: str) -> None:
        (self.box.shared / "text").write_text(text)
        self.box.run(f"install -m 600 /host/text {path}")

    def compose(self, arguments: str, timeout: float = 600) -> str:
        return self.box.run(f"{COMPOSE} {arguments}", FOLDER, timeout=timeout)

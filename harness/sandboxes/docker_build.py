"""A container in which one layer of a repository's image is made; what it needs for that goes."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container
from docker.models.images import Image
from uv import find_uv_bin

from harness.sandboxes.base_image import DEFAULT_TAG
from harness.sandboxes.cancellation import step
from harness.sandboxes.docker_owners import BUILDER, make_owner_labels
from harness.sandboxes.interpreters import OWN
from harness.sandboxes.sandbox import BuildFailed

USER = 1000
TREE = "/testbed"
VENV = "/opt/venv"
TOOLS = "/tmp/bugfoundry"
"""Where uv, its cache and the certificates lie during the build: in a tmpfs, so it never stays."""
BUILD_TIMEOUT = 1200
TIMED_OUT = 124
DETAIL_LIMIT = 4000
EPOCH = 946684800
"""Every file's time, so that equal inputs give equal layers: the first second of 2000."""
TIDY = f"""set -e
find {TREE} -name __pycache__ -type d -prune -exec rm -rf {{}} +
cd {TREE}
if command -v git >/dev/null; then
    export GIT_AUTHOR_DATE=@{EPOCH}+0000 GIT_COMMITTER_DATE=@{EPOCH}+0000
    export GIT_CONFIG_NOSYSTEM=1 GIT_LITERAL_PATHSPECS=1 GIT_CONFIG_GLOBAL=/dev/null
    rm -rf .git
    chown -R 0:0 .
    git init -q --template= -b main .
    git -c core.autocrlf=false add -f --pathspec-from-file={TOOLS}/files --pathspec-file-nul
    git -c user.name=bugfoundry -c user.email=bugfoundry@localhost commit -q --allow-empty -m Start
    rm -rf .git/logs .git/COMMIT_EDITMSG
    git read-tree HEAD
    mkdir -p .git/info
    git -c core.quotePath=false ls-files --others --exclude-standard --directory |
        sed 's|^|/|' >.git/info/exclude
fi
chown -R {USER}:{USER} {TREE}
"""
"""What a solver finds: one commit, no remote, no caches."""
SETTLE = f"""set -e
find {VENV} -name RECORD -path '*.dist-info/*' -exec grep -l uv_cache.json {{}} + 2>/dev/null |
    xargs -r sed -i /uv_cache.json/d
find {VENV} -name uv_cache.json -delete 2>/dev/null || true
find / -xdev \\( -path /proc -o -path /sys -o -path {TOOLS} \\) -prune -o \\
    -newercc {TOOLS}/stamp -exec touch -h -d @{EPOCH} {{}} + 2>/dev/null || true
"""
"""Leaves nothing in a layer that says when it was made, or that only the build needs."""
CONTENT = f"""tar --sort=name --mtime=@{EPOCH} --owner=0 --group=0 --numeric-owner -C / \\
    -cf - $(ls -d {VENV[1:]} {TREE[1:]} 2>/dev/null) | sha256sum | cut -d' ' -f1"""


def fixed_base(client: DockerClient, wanted: str | None) -> Image | None:
    """The base image for every Python: the one named, or the one made here; None without.

    Raises BuildFailed when one is named and cannot be had.
    """
    wanted = wanted or os.environ.get("BUGFOUNDRY_BASE_IMAGE") or None
    if wanted:
        return obtain(client, wanted)
    try:
        return client.images.get(DEFAULT_TAG)
    except ImageNotFound:
        return None


def find_base(client: DockerClient, wanted: str | None, python: str) -> Image:
    """Find or pull the base image for a Python. Raises BuildFailed when there is none.

    Another Python than our own may have an image that is here.
    """
    if (fixed := fixed_base(client, wanted)) is not None:
        return fixed
    try:
        return obtain(client, name_official_image(python))
    except BuildFailed as failure:
        if python == OWN:
            raise
        told = f"{failure.detail}\nthe plan wants {python}, and its image cannot be pulled"
        raise BuildFailed("python-unavailable", told) from failure


def obtain(client: DockerClient, name: str) -> Image:
    """Get an image that lies here, or pull it. Raises BuildFailed."""
    try:
        return client.images.get(name)
    except ImageNotFound:
        pass
    try:
        return client.images.pull(*split_tag(name))
    except DockerException as error:
        raise BuildFailed(
            "no-base-image",
            f"{name} cannot be pulled; name another with --base-image, or run "
            "`bugfoundry images base`, which makes one with debootstrap",
        ) from error


def name_official_image(python: str) -> str:
    """Name the official image for a Python version."""
    return f"python:{python}-slim-bookworm"


def split_tag(name: str) -> tuple[str, str]:
    """Split an image's name from its tag."""
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


class Builder:
    """A container on top of an image, thrown away after what was made in it is kept."""

    def __init__(
        self, client: DockerClient, image: Image, env: Mapping[str, str], *, network: str
    ) -> None:
        self._env = {
            "HOME": TOOLS,
            "LC_ALL": "C.UTF-8",
            "UV_CACHE_DIR": f"{TOOLS}/cache",
            "UV_LINK_MODE": "copy",
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "PYC_INVALIDATION_MODE": "UNCHECKED_HASH",
            "SOURCE_DATE_EPOCH": str(EPOCH),
            "TMPDIR": TOOLS,
            **inside_certificates(env),
        }
        self._container: Container = client.containers.create(
            str(image.id),
            command=["sleep", "infinity"],
            network_mode=network,
            user="root",
            tmpfs={"/tmp": "exec,size=4g"},
            labels=make_owner_labels(BUILDER),
        )
        try:
            self._container.start()
            self.run_command(["mkdir", TOOLS])
            self.run_command(["touch", f"{TOOLS}/stamp"])
            for name, data in tools(env).items():
                self.put_tool(name, data)
        except BaseException:
            self.close()
            raise

    def run_command(
        self, command: Sequence[str], env: Mapping[str, str] | None = None, *, folder: str = "/"
    ) -> str:
        """Run one step. Raises BuildFailed with the end of what it printed."""
        with step(self._kill):
            code, output = self._container.exec_run(
                [
                    *("timeout", "--kill-after=5", str(BUILD_TIMEOUT)),
                    *("sh", "-c", 'cd "$0" && exec "$@"', folder, *command),
                ],
                environment={**self._env, **(env or {})},
                workdir="/",
                user="root",
            )
        text = b"".join([output] if isinstance(output, bytes) else output).decode(errors="replace")
        if code == TIMED_OUT:
            raise BuildFailed("timeout", f"an install step took over {BUILD_TIMEOUT} s")
        if code != 0:
            raise BuildFailed("install-failed", text[-DETAIL_LIMIT:])
        return str(text)

    def put_tree(self, checkout: Path) -> None:
        """Lay the code where it belongs."""
        self._container.put_archive("/", archive(checkout))

    def put_tool(self, name: str, data: bytes) -> None:
        """Put a file where it does not stay.

        The engine's archive call does not see a tmpfs, so the bytes go through a process.
        """
        self._container.put_archive("/opt", single(f"bugfoundry-{name}", data))
        self.run_command(["mv", f"/opt/bugfoundry-{name}", f"{TOOLS}/{name}"])

    def keep(self, repository: str, tag: str, labels: Mapping[str, str]) -> Image:
        """Keep the container as an image, and return it; its label says the digest of its files."""
        self.run_command(["sh", "-c", SETTLE])
        content = self.run_command(["sh", "-c", CONTENT]).strip()
        labels = {**labels, "bugfoundry.content": content}
        changes = [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
        changes += [f"WORKDIR {TREE}", f"USER {USER}", f"ENV PATH={PATH}", 'CMD ["sleep", "inf"]']
        return self._container.commit(repository=repository, tag=tag, changes=changes)

    def _kill(self) -> None:
        """End all that runs in the container; it may have ended by itself."""
        with suppress(DockerException):
            self._container.kill()

    def close(self) -> None:
        """Throw the container away."""
        self._container.remove(force=True, v=True)


PATH = f"{VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tools(env: Mapping[str, str]) -> dict[str, bytes]:
    """The files a build needs from this machine: uv, and the extra certificates."""
    found = {"uv": Path(find_uv_bin()).read_bytes()}
    bundle = env.get("SSL_CERT_FILE") or env.get("REQUESTS_CA_BUNDLE")
    if bundle and Path(bundle).is_file():
        found["certificates.pem"] = Path(bundle).read_bytes()
    return found


def inside_certificates(env: Mapping[str, str]) -> dict[str, str]:
    """The host's variables for the build, pointing at the certificates as they lie inside."""
    files = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"}
    kept = {name: value for name, value in env.items() if name not in files | {"SSL_CERT_DIR"}}
    if "certificates.pem" in tools(env):
        kept.update(dict.fromkeys(sorted(files), f"{TOOLS}/certificates.pem"))
    return kept


def archive(checkout: Path) -> bytes:
    """The checkout as a tar archive of the folder that it becomes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(checkout, arcname=TREE.lstrip("/"), filter=without_git)
    return buffer.getvalue()


def without_git(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out git's own folders, at any depth."""
    return None if Path(entry.name).name == ".git" else entry


def single(name: str, data: bytes) -> bytes:
    """One executable file as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o755
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()

"""One file of an npm package, fetched once, checked against its digest and kept in the cache."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from storage.paths import cache_dir

REGISTRY = "https://registry.npmjs.org"
TIMEOUT = 300


@dataclass(frozen=True, kw_only=True)
class NpmFile:
    """A file of a package, at a version whose archive has this digest."""

    package: str
    version: str
    integrity: str
    """As npm writes it: ``sha512-`` and base64."""
    member: str

    def fetch(self) -> Path:
        """Return where the file is. Raises OSError or ValueError when it cannot be had."""
        key = hashlib.sha256(f"{self.package} {self.integrity} {self.member}".encode()).hexdigest()
        path = cache_dir() / "npm" / f"{self.version}-{key[:24]}" / Path(self.member).name
        if not path.exists():
            content = self._unpacked(self._archive())
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.{os.getpid()}")
            partial.write_bytes(content)
            partial.replace(path)
        return path

    def _archive(self) -> bytes:
        name = self.package.rpartition("/")[2]
        url = f"{registry()}/{self.package}/-/{name}-{self.version}.tgz"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                archive: bytes = response.read()
        except HTTPException as error:
            raise OSError(f"{url} broke off: {error}") from error
        digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        if f"sha512-{digest}" != self.integrity:
            raise ValueError(f"{url} is not the archive that is pinned")
        return archive

    def _unpacked(self, archive: bytes) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            found = tar.extractfile(self.member)
            if found is None:
                raise ValueError(f"{self.package} {self.version} has no {self.member}")
            return found.read()


def registry() -> str:
    """Return the registry of this machine: the variable's, npm's own, or the public one."""
    named = next((v for k, v in os.environ.items() if k.lower() == "npm_config_registry"), "")
    npm = shutil.which("npm")
    if not named and npm:
        asked = [npm, "config", "get", "registry"]
        named = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return (named if named.startswith("http") else REGISTRY).rstrip("/")

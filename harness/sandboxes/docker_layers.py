"""The chain of a repository's image: base, system packages, dependencies, code.

Each layer is an image of its own, found again by what it depends on: a new commit with the same
requirements is built on the dependencies that are there.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from docker import DockerClient
from docker.errors import ImageNotFound
from docker.models.images import Image

from harness.sandboxes.cancellation import check_wanted
from harness.sandboxes.docker_build import PATH, TIDY, TOOLS, TREE, USER, VENV, Builder
from harness.sandboxes.own_packages import own_packages
from harness.sandboxes.sandbox import BuildFailed
from harness.sandboxes.start_state import files_of
from storage.paths import cache_dir
from storage.records import Plan, digest
from storage.whole_files import run_once

SYSTEM = "bugfoundry/system"
DEPENDENCIES = "bugfoundry/dependencies"
ENVIRONMENT = "bugfoundry/env"
REPOSITORIES = (ENVIRONMENT, DEPENDENCIES, SYSTEM)
UV = f"{TOOLS}/uv"
PYTHONS = "/opt/python"
DECLARING = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|hatch\.toml|Pipfile|[\w.-]*\.lock|"
    r"[\w.-]*(?:requirements?|constraints?)[\w.-]*\.(?:txt|in|pip))$|"
    r"(?:^|/)(?:requirements?|reqs|deps)/[^/]*\.(?:txt|in|pip)$"
)
"""Files that can say what a repository depends on."""
APT = """set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/ldconfig /var/log/*.log /var/log/apt
rm -f /var/cache/debconf/*-old /var/lib/dpkg/*-old
"""
ACCOUNT = f"""grep -q '^[^:]*:[^:]*:{USER}:' /etc/passwd ||
    echo 'sandbox:x:{USER}:{USER}:sandbox:/tmp:/bin/sh' >>/etc/passwd
grep -q '^[^:]*:[^:]*:{USER}:' /etc/group || echo 'sandbox:x:{USER}:' >>/etc/group
"""
"""Gives the user that runs the tests a name: what asks for it would fail without."""
RECIPE = "3"
"""Version of how layers are made: a layer made in another way is not found again."""
LABEL = "bugfoundry."
SCRIPT = Path(__file__).with_name("second_copies.py").read_text(encoding="utf-8")
LEFT_ALONE = ":".join((TREE, VENV, PYTHONS, "/proc", "/sys", "/dev", "/tmp"))
"""Where copies of the project's packages stay: in its tree, and where its tests run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Builds images on one engine, for one build's variables and network."""

    client: DockerClient
    env: Mapping[str, str]
    network: str
    fresh: bool = False
    """Make the dependencies and the code anew, even where they are there."""

    def environment(self, base: Image, checkout: Path, tree: str, plan: Plan) -> Image:
        """Return the image of a repository. Raises BuildFailed."""
        key = digest(tree, essence(plan), str(base.id))[:16]

        def make() -> None:
            started = time.monotonic()
            below = self.dependencies(self.system(base, plan), checkout, plan)
            labels = {"tree": tree, "plan": plan.name, "key": key, "base": str(base.id)}
            self._make_environment(below, checkout, plan, labels, started)

        return self._make_once(ENVIRONMENT, key, make, fresh=self.fresh)

    def _make_environment(
        self, below: Image, checkout: Path, plan: Plan, labels: Mapping[str, str], started: float
    ) -> None:
        builder = self.builder(below)
        try:
            names = b"".join(os.fsencode(path) + b"\0" for path in files_of(checkout))
            builder.put_tool("files", names)
            builder.put_tree(checkout)
            siblings = json.loads(below.labels.get(f"{LABEL}siblings") or "[]")
            for step in (*siblings, *code_steps(plan)):
                builder.run_command(
                    [*INSTALL, "--no-deps", *step], settings(plan), folder=folder_of(plan)
                )
            builder.run_command(["sh", "-c", TIDY])
            if own := own_packages(files_of(checkout), plan.folder):
                builder.run_command(["python3", "-c", SCRIPT, LEFT_ALONE, *own])
            labels = {
                **labels,
                "dependencies": str(below.labels[f"{LABEL}key"]),
                "python": str(below.labels[f"{LABEL}python"]),
                "lock": str(below.labels[f"{LABEL}lock"]),
                "seconds": f"{time.monotonic() - started:.1f}",
            }
            builder.keep(ENVIRONMENT, labels["key"], prefix_labels(labels))
        finally:
            builder.close()

    def system(self, base: Image, plan: Plan) -> Image:
        """Return the base with the plan's system packages. Raises BuildFailed."""
        if not plan.system:
            return base
        key = digest(str(base.id), *plan.system)[:16]

        def make() -> None:
            builder = self.builder(base)
            try:
                builder.run_command(["sh", "-c", APT, "sh", *plan.system])
                builder.keep(SYSTEM, key, prefix_labels({"key": key}))
            finally:
                builder.close()

        return self._make_once(SYSTEM, key, make, fresh=False)

    def dependencies(self, below: Image, checkout: Path, plan: Plan) -> Image:
        """Return the image that holds all but the code: the steps' work, the project taken out.

        Raises BuildFailed.
        """
        key = digest(str(below.id), essence(plan), digest_dependency_files(checkout, plan))[:16]
        return self._make_once(
            DEPENDENCIES,
            key,
            lambda: self._make_dependencies(below, checkout, plan, key),
            fresh=self.fresh,
        )

    def _make_dependencies(self, below: Image, checkout: Path, plan: Plan, key: str) -> None:
        builder = self.builder(below)
        try:
            builder.run_command(["sh", "-c", ACCOUNT])
            version = lay_python(builder, plan)
            builder.put_tree(checkout)
            for step in plan.install:
                builder.run_command([*INSTALL, *step], settings(plan), folder=folder_of(plan))
            frozen = builder.run_command(
                [UV, "pip", "freeze", "--quiet", "--python", VENV]
            ).splitlines()
            local = [name for line in frozen if (name := from_the_tree(line, builder))]
            if local:
                builder.run_command([UV, "pip", "uninstall", "--quiet", "--python", VENV, *local])
            lock = [line for line in frozen if "==" in line and not line.startswith("-e")]
            builder.run_command(["rm", "-rf", TREE])
            labels = {
                "key": key,
                "system": str(below.labels.get(f"{LABEL}key", "")),
                "python": version,
                "lock": " ".join(lock),
                "siblings": json.dumps(list_siblings(frozen, plan)),
            }
            builder.keep(DEPENDENCIES, key, prefix_labels(labels))
        finally:
            builder.close()

    def _make_once(
        self, repository: str, key: str, make: Callable[[], None], *, fresh: bool
    ) -> Image:
        """Return the image with this key; of many who ask for it at once, one makes it."""
        # A fresh one is anew for whoever asks now: one made while we waited is.
        before = self.find(repository, key) if fresh else None

        def is_made() -> bool:
            found = self.find(repository, key)
            return found is not None and (before is None or found.id != before.id)

        lock = cache_dir() / "images" / f"{repository.rpartition('/')[2]}-{key}.lock"
        run_once(lock, is_made, make, on_wait=check_wanted)
        return self.client.images.get(f"{repository}:{key}")

    def builder(self, image: Image) -> Builder:
        """A container on top of an image."""
        return Builder(self.client, image, self.env, network=self.network)

    def find(self, repository: str, key: str) -> Image | None:
        """Return the image with this key, where it is there."""
        try:
            return self.client.images.get(f"{repository}:{key}")
        except ImageNotFound:
            return None


INSTALL = (UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", VENV)


def essence(plan: Plan) -> str:
    """What of a plan changes its image."""
    parts = [plan.python, plan.install, plan.env, plan.system, plan.exclude_newer]
    return json.dumps([RECIPE, *parts])


def prefix_labels(values: Mapping[str, str]) -> dict[str, str]:
    return {f"{LABEL}{name}": value for name, value in values.items()}


def settings(plan: Plan) -> dict[str, str]:
    """The variables of an install step."""
    dated = {"UV_EXCLUDE_NEWER": plan.exclude_newer} if plan.exclude_newer else {}
    return {**dict(plan.env), **dated, "VIRTUAL_ENV": VENV, "PATH": PATH}


def digest_dependency_files(checkout: Path, plan: Plan) -> str:
    """Return the digest of all files that can say what is to be installed."""
    start = f"{plan.folder}/" if plan.folder else ""
    named = {posixpath.normpath(start + word) for step in plan.install for word in step}
    parts: list[str] = []
    for path in files_of(checkout):
        file = checkout / path
        if (DECLARING.search(path) or path in named) and file.is_file():
            parts += [path, digest(file.read_bytes().decode("utf-8", "surrogateescape"))]
    return digest(*parts)


def folder_of(plan: Plan) -> str:
    """Return where a plan's steps are run."""
    return f"{TREE}/{plan.folder}" if plan.folder else TREE


def code_steps(plan: Plan) -> list[tuple[str, ...]]:
    """Return what lays the code over its dependencies: each editable install, without extras."""
    found = []
    for step in plan.install:
        flags = tuple(word for word in step if word.startswith("--no-build-isolation"))
        for word, target in pairwise(step):
            if word in ("-e", "--editable"):
                found.append((*flags, "-e", target.partition("[")[0]))
    return found


def list_siblings(frozen: Sequence[str], plan: Plan) -> list[list[str]]:
    """Return what installs again the other packages of the tree that a plan's steps brought.

    A requirements file, or the package's own sources, may name them.
    """
    known = {posixpath.normpath(f"{folder_of(plan)}/{step[-1]}") for step in code_steps(plan)}
    found = []
    for line in frozen:
        start, at, where = line.partition("file://")
        place = posixpath.normpath(unquote(where))
        if at and place.startswith(f"{TREE}/") and place not in known:
            found.append(["-e", place] if start == "-e " else [place])
    return found


def from_the_tree(line: str, builder: Builder) -> str:
    """Return the name of a distribution that was installed from the tree, empty for others."""
    match = re.match(r"-e file://", line)
    if match:
        where = line.removeprefix("-e file://")
        return name_of_editable(where, builder)
    name, at, where = line.partition(" @ file://")
    return name if at and where.startswith(TREE) else ""


def name_of_editable(where: str, builder: Builder) -> str:
    """Return the name under which a folder is installed for editing."""
    told = builder.run_command(
        [UV, "pip", "list", "--quiet", "--editable", "--format", "json"], IN_VENV
    )
    for row in json.loads(told):
        if row.get("editable_project_location") == where:
            return str(row["name"])
    return ""


IN_VENV = {"VIRTUAL_ENV": VENV}


def lay_python(builder: Builder, plan: Plan) -> str:
    """Make the plan's virtual environment and return its Python's full version.

    Where the base image has another Python, uv downloads the plan's. Raises BuildFailed.
    """
    ask = "import sys; print(sys.version.split()[0])"
    version = builder.run_command(["python3", "-c", ask]).strip()
    if version.rsplit(".", 1)[0] == plan.python:
        builder.run_command([UV, "venv", "--quiet", "--python", "python3", VENV])
        return version
    downloads = {"UV_PYTHON_INSTALL_DIR": PYTHONS, "UV_PYTHON_DOWNLOADS": "automatic"}
    words = [UV, "venv", "--quiet", "--managed-python", "--python", plan.python, VENV]
    try:
        builder.run_command(words, downloads)
    except BuildFailed as failure:
        raise BuildFailed(
            "python-unavailable",
            f"{failure.detail}\nthe base image has Python {version}, the plan wants "
            f"{plan.python}, and uv cannot download it; name an image with --base-image",
        ) from failure
    return builder.run_command([f"{VENV}/bin/python", "-c", ask]).strip()

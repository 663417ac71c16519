"""What stands in for the actions of others. One that is not here fails the test.

Each does what its ``action.yml`` promises of the inputs that it takes, and refuses others.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from uv import find_uv_bin

from tests.furniture.actions.artifacts import gathered
from tests.furniture.actions.machines import Machine, StepFailed
from tests.furniture.actions.workflows import WorkflowError

PINNED = re.compile(r"(?P<name>[\w.-]+/[\w./-]+)@(?P<commit>[0-9a-f]{40})")
Use = Callable[[Machine, dict[str, str], Mapping[str, str]], dict[str, str]]


def implementation(uses: str) -> Use:
    """Return what stands in for an action that is pinned by its commit."""
    match = PINNED.fullmatch(uses)
    if match is None:
        raise WorkflowError(f"{uses} is not pinned by a commit")
    if match["name"] not in ACTIONS:
        raise WorkflowError(f"nothing stands in for {match['name']}")
    return ACTIONS[match["name"]]


def taken(values: dict[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return inputs with their defaults. Raises WorkflowError for one that is not built here."""
    if unknown := set(values) - set(defaults):
        raise WorkflowError(f"the input {', '.join(sorted(unknown))} is not built here")
    return {**defaults, **{name: value for name, value in values.items() if value != ""}}


def checkout(machine: Machine, values: dict[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """actions/checkout: a shallow clone at a commit, branch or tag."""
    given = taken(
        values,
        {
            "repository": machine.world.github["repository"],
            "ref": "",
            "path": ".",
            "fetch-depth": "1",
            "persist-credentials": "true",
        },
    )
    if machine.permissions.get("contents") not in ("read", "write"):
        raise StepFailed("the token may not read the repository's contents")
    if given["repository"] != machine.world.github["repository"]:
        raise StepFailed(f"the token may not read {given['repository']}")
    folder = machine.workspace / given["path"]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = given["ref"] or machine.world.github["sha"]
    depth = [] if given["fetch-depth"] == "0" else [f"--depth={given['fetch-depth']}"]
    refs = [wanted] if depth else [wanted, "+refs/heads/*:refs/remotes/origin/*"]
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", machine.world.code)
    git(folder, *credentials(machine), "fetch", "--quiet", *depth, "origin", *refs)
    git(folder, "-c", "advice.detachedHead=false", "checkout", "--quiet", "FETCH_HEAD")
    if given["persist-credentials"] != "false":
        git(folder, "config", "http.extraheader", f"AUTHORIZATION: basic {machine.token}")
    return {"commit": git(folder, "rev-parse", "HEAD")}


def credentials(machine: Machine) -> list[str]:
    """Return what lets git in, where the repository is on a server."""
    if not machine.world.code.startswith("http"):
        return []
    packed = base64.b64encode(f"x-access-token:{machine.token}".encode()).decode()
    return ["-c", f"http.extraHeader=Authorization: Basic {packed}"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepFailed(f"git: {done.stderr.strip()}")
    return done.stdout.strip()


def setup_uv(machine: Machine, values: dict[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """astral-sh/setup-uv: puts uv into the path."""
    taken(values, {"enable-cache": "false"})
    folder = machine.folder / "uv"
    folder.mkdir(exist_ok=True)
    link = folder / "uv"
    if not link.exists():
        link.symlink_to(find_uv_bin())
    machine.path.insert(0, str(folder))
    return {}


def upload(machine: Machine, values: dict[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """actions/upload-artifact."""
    given = taken(
        values,
        {
            "name": "artifact",
            "path": "",
            "if-no-files-found": "warn",
            "retention-days": "90",
            "overwrite": "false",
        },
    )
    files = gathered(machine.workspace, given["path"])
    if not files and given["if-no-files-found"] == "error":
        raise StepFailed(f"no files were found at {given['path']}")
    if files:
        overwrite = given["overwrite"] == "true"
        machine.world.artifacts.put(given["name"], files, overwrite=overwrite)
        machine.say(f"   uploaded {given['name']}: {', '.join(sorted(files))}")
    return {}


def download(machine: Machine, values: dict[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """actions/download-artifact: one by name, or those that match, each into its own folder."""
    given = taken(values, {"name": "", "pattern": "", "path": ".", "merge-multiple": "false"})
    artifacts, folder = machine.world.artifacts, machine.workspace / given["path"]
    try:
        if given["name"]:
            artifacts.unpack(given["name"], folder)
            return {}
        for name in artifacts.names(given["pattern"] or "*"):
            merged = given["merge-multiple"] == "true"
            artifacts.unpack(name, folder if merged else folder / name)
    except WorkflowError as error:
        raise StepFailed(str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    return {}


def login(machine: Machine, values: dict[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """docker/login-action: the job's own token, which must be allowed to read packages."""
    given = taken(values, {"registry": "", "username": "", "password": ""})
    if given["password"] != machine.token:
        raise StepFailed("the password is not the job's own token")
    if machine.permissions.get("packages") not in ("read", "write"):
        raise StepFailed("the token may not read packages")
    machine.world.registries.append((given["registry"], given["username"]))
    return {}


ACTIONS: Mapping[str, Use] = {
    "actions/checkout": checkout,
    "actions/download-artifact": download,
    "actions/upload-artifact": upload,
    "astral-sh/setup-uv": setup_uv,
    "docker/login-action": login,
}

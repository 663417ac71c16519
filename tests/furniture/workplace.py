"""A folder with a small project, in which commands are run as a person runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from storage.records import Issue
from storage.store import Store
from tests.furniture.environments import share_environments
from tests.furniture.project import write_history, write_project

ROOT = Path(__file__).parents[2]
PROGRESS = re.compile(r"\[\d\d+:\d\d\] ")
"""How a line begins that says how far the work is."""
PATIENCE = 1800
"""Seconds until a command that hangs is given up; no command's speed is tested here."""

ISSUE = Issue(
    repository="local/shop",
    number=2,
    title="Members pay as much as everybody",
    body="I am a member, and `discount(100, members=True)` is 90. See #3.",
    author="ben",
    created="2020-09-01T00:00:00Z",
)


def run_command(
    *words: str, cwd: Path, text: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of bugfoundry's in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=cwd,
        env=command_variables(cwd / "cache", **variables),
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def without_progress(told: str) -> str:
    """Leave out the lines that say how far the work is."""
    return "".join(line for line in told.splitlines(keepends=True) if not PROGRESS.match(line))


def command_variables(cache: Path, **more: str) -> Mapping[str, str]:
    """Return the variables of a command of bugfoundry's that keeps its things in a cache."""
    own = {name: value for name, value in os.environ.items() if name != "BUGFOUNDRY_STORE"}
    return {**own, "BUGFOUNDRY_CACHE": str(cache), "PYTHONPATH": str(ROOT), **more}


class Workplace:
    """A folder with a project, a store and a cache, in which commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = write_project(folder / "shop")
        self.cache = share_environments(folder / "cache")

    def run(self, *words: str, code: int = 0, text: str | None = None) -> str:
        """Run a command, which has to end with this exit code; return what it prints."""
        done = run_command(*words, cwd=self.folder, text=text)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def forge(self, sandbox: str, *words: str) -> dict[str, object]:
        """Forge bugs of the project into the store of a sandbox."""
        store = str(self.folder / f"{sandbox}.db")
        text = self.run("forge", "shop", "--sandbox", sandbox, "--store", store, "--json", *words)
        return dict(json.loads(text))


def workplace_with_fix(folder: Path) -> Workplace:
    """Make a workplace whose project has a fix in its history, for an issue that is known."""
    workplace = Workplace(folder)
    write_history(workplace.project)
    with Store(folder / "local.db") as store:
        store.pulls.add((), [ISSUE])
    return workplace

"""A modest reading of GitHub workflows: what their test jobs install with pip."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from harness.detect.model import Evidence, requirement_name, requirement_names, table
from harness.detect.requirements import brings, complete
from harness.tree import Tree, read_text

TESTING = re.compile(r"\b(?:pytest|py\.test|unittest|nosetests)\b")
INSTALL = re.compile(r"\bpip3?\s+install\s+(.*)$")
TOOLS = frozenset(
    {"pip", "setuptools", "wheel", "tox", "nox", "build", "twine", "codecov", "coveralls"}
    | {"tox-gh-actions", "uv", "poetry", "hatch", "pdm", "virtualenv", "pre-commit"}
)


def workflow_evidence(tree: Tree) -> list[Evidence]:
    """Return one piece of evidence for each job that installs with pip and runs tests."""
    found = []
    for path in sorted(tree.paths):
        if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path):
            for job, script in jobs(read_text(tree, path)):
                if TESTING.search(script):
                    found.append(installs(tree, script, f"{path.rpartition('/')[2]} job {job!r}"))
    return [evidence for evidence in found if evidence is not None]


def jobs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each job's name with its ``run`` scripts, continued lines joined."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    for name, job in table(document, "jobs").items():
        steps = table(job).get("steps")
        listed = steps if isinstance(steps, list) else []
        scripts = [step["run"] for step in listed if isinstance(step, dict) and "run" in step]
        yield str(name), re.sub(r"\\\n\s*", " ", "\n".join(map(str, scripts)))


def installs(tree: Tree, script: str, label: str) -> Evidence | None:
    """Return what a script installs with pip; None when nothing of it can be used."""
    found = Installed(tree)
    for command in re.split(r"\n|&&|;(?!\s*python_version)", script):
        match = INSTALL.search(command.strip())
        found.read(split(match[1]) if match else [])
    if not (found.extras or found.groups or found.arguments):
        return None
    files = [word for word in found.arguments if word.endswith((".txt", ".in"))]
    names = requirement_names(found.arguments).union(*(brings(tree, file) for file in files))
    return Evidence(
        label=label,
        score=50 + (10 if "pytest" in names else 0),
        extras=tuple(found.extras),
        groups=tuple(found.groups),
        arguments=tuple(found.arguments),
        brings=names,
    )


def split(text: str) -> list[str]:
    """Split a command's words; one that needs the runner's variables is left out."""
    if "$" in text:
        return []
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []


@dataclass(slots=True)
class Installed:
    """What ``pip install`` commands name; what is not understood is left out."""

    tree: Tree
    extras: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def read(self, words: list[str]) -> None:
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word in ("-r", "--requirement") and rest:
                self.file(rest.pop(0).removeprefix("./"))
            elif word == "--group" and rest:
                self.groups.append(rest.pop(0))
            elif match := re.fullmatch(r"(?:\./?)?\[([\w,\s.-]+)\]", word):
                self.extras += [name.strip() for name in match[1].split(",")]
            elif requirement_name(word) and requirement_name(word) not in TOOLS:
                self.distribution(word)

    def file(self, path: str) -> None:
        if complete(self.tree, path):
            self.arguments += ["-r", path]

    def distribution(self, word: str) -> None:
        if "/" not in word and not word.endswith((".whl", ".gz")):
            self.arguments.append(word)

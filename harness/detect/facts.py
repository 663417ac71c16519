"""Gather everything detection knows of a repository, each file read once."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from harness.detect.model import (
    Evidence,
    Names,
    Project,
    normalise,
    requirement_names,
    strings,
    table,
)
from harness.detect.option_tables import LINTERS
from harness.detect.options import Arguments, sort_arguments
from harness.detect.pyproject import load, read_pyproject
from harness.detect.pytest_config import PytestConfig, read_pytest_config
from harness.detect.requirements import brings, complete, evidence, name_score
from harness.detect.setuptools_files import read_setup_cfg, read_setup_py
from harness.detect.suites import Used, suite_files, suite_folders, used
from harness.detect.tox import ToxEnv, read_tox
from harness.detect.workflows import workflow_evidence
from harness.tree import Tree, read_text

RUNNERS = frozenset({"pytest", "py.test"})
FULL = frozenset({"all", "full", "complete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a repository, for one Python version."""

    project: Project
    config: PytestConfig
    used: Used
    evidence: tuple[Evidence, ...]
    """Best first."""
    options: tuple[str, ...]
    paths: tuple[str, ...]
    folders: tuple[str, ...]
    """Folders that hold the tests, whatever the repository says of it."""
    plugins: frozenset[str]
    setenv: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def read_project(tree: Tree) -> Project:
    """Return the project's description; ``pyproject.toml`` goes before the older files."""
    document = load(tree)
    modern, cfg, script = read_pyproject(document), read_setup_cfg(tree), read_setup_py(tree)
    static = "project" in document
    dynamic = "optional-dependencies" in strings(table(document, "project").get("dynamic"))
    older: Names = {**cfg.extras, **script.extras} if dynamic or not static else {}
    return Project(
        name=modern.name or cfg.name or script.name,
        installable=modern.installable or cfg.installable or script.installable,
        requires_python=modern.requires_python or cfg.requires_python or script.requires_python,
        classifiers=modern.classifiers or cfg.classifiers or script.classifiers,
        dependencies=modern.dependencies or cfg.dependencies or script.dependencies,
        extras={**older, **modern.extras},
        groups=modern.groups,
        lists={**script.lists, **cfg.lists, **modern.lists},
        build_requires=(*modern.build_requires, *script.build_requires),
        backend=modern.backend,
    )


def gather(tree: Tree, project: Project, python: str) -> Facts:
    """Return the facts of a tree for one Python version."""
    config = read_pytest_config(tree)
    tox = read_tox(tree, python)
    files, naming = suite_files(tree, config)
    folders = suite_folders(files)
    arguments = pytest_arguments(tree, config, tox)
    found = [*declared(project), *evidence(tree), *tox_evidence(tree, tox, project)]
    known = usable([*found, *workflow_evidence(tree)], project)
    paths = arguments.paths or (() if config.words("testpaths") else folders)
    return Facts(
        project=project,
        config=config,
        used=used(tree, files),
        evidence=tuple(sorted(known, key=lambda e: -e.score)),
        options=(*naming, *arguments.options),
        paths=paths,
        folders=folders,
        plugins=config.plugins | arguments.needs,
        setenv=tox.setenv if tox else (),
        notes=arguments.notes,
    )


def declared(project: Project) -> list[Evidence]:
    """Return the project's own extras, groups and lists that could be about tests."""
    found = []
    for kind, names in (
        ("extra", project.extras),
        ("group", project.groups),
        ("", project.lists),
    ):
        for name, items in names.items():
            brought = requirement_names(items)
            score = declared_score(name, brought)
            label = f"{kind} {name!r}" if kind else name
            found.append(
                Evidence(
                    label=label,
                    score=score,
                    extras=(name,) if kind == "extra" else (),
                    groups=(name,) if kind == "group" else (),
                    arguments=() if kind else items,
                    brings=brought,
                )
            )
    return found


def declared_score(name: str, brought: frozenset[str]) -> int:
    """Return how test-like a named list is: by its name, and by whether pytest is in it."""
    quoted = name.split("'")
    last = normalise(quoted[1] if len(quoted) == 3 else name)
    extra = 30 if "pytest" in brought else 0
    if last in ("test", "tests", "testing", "tests-require", "hatch-test"):
        return 100 + extra
    by_name = name_score(last)
    return min(by_name, 70) + extra if by_name else (15 if last in FULL else extra)


def tox_evidence(tree: Tree, tox: ToxEnv | None, project: Project) -> list[Evidence]:
    """Return what tox installs to run the tests; nothing when one of its files is missing."""
    if tox is None:
        return []
    files = [b for a, b in pairwise(tox.arguments) if a == "-r"]
    if not all(complete(tree, file) for file in files):
        return []
    runs_tests = any(RUNNERS & set(command) for command in tox.commands)
    names = requirement_names(tox.arguments).union(*(brings(tree, file) for file in files))
    return [
        Evidence(
            label="tox",
            score=90 if runs_tests else 20,
            extras=tuple(name for name in tox.extras if for_tests(name, project.extras)),
            groups=tuple(name for name in tox.groups if for_tests(name, project.groups)),
            arguments=tox.arguments,
            brings=names,
        )
    ]


def for_tests(name: str, names: Names) -> bool:
    """Say whether an extra or group that tox installs is about more than style and coverage."""
    if name_score(normalise(name)):
        return True
    return not LINTERS & requirement_names(names.get(name) or names.get(normalise(name)) or ())


def usable(found: list[Evidence], project: Project) -> list[Evidence]:
    """Leave out empty evidence, and extras and groups that the project does not have."""
    extras = {normalise(name) for name in project.extras}
    kept = []
    for each in found:
        groups = tuple(name for name in each.groups if normalise(name) in project.groups)
        wanted = tuple(name for name in each.extras if normalise(name) in extras)
        brought = each.brings.union(
            *(requirement_names(project.groups[normalise(name)]) for name in groups),
            *(requirement_names(project.extras.get(name, ())) for name in wanted),
        )
        if each.score and (groups or wanted or each.arguments):
            kept.append(
                Evidence(
                    label=each.label,
                    score=each.score,
                    extras=wanted if project.installable else (),
                    groups=groups,
                    arguments=each.arguments,
                    brings=brought,
                )
            )
    return kept


def pytest_arguments(tree: Tree, config: PytestConfig, tox: ToxEnv | None) -> Arguments:
    """Return the options of ``addopts`` and of tox's pytest command, sorted."""
    registered = conftest_options(tree)
    own = sort_arguments(
        config.words("addopts"), tree=tree, source="addopts", registered=registered
    )
    words = pytest_words(tox.commands) if tox else ()
    command = sort_arguments(words, tree=tree, source="tox", registered=registered)
    return Arguments(
        options=own.options + without(command.options, own.options),
        paths=command.paths or own.paths,
        needs=own.needs | command.needs,
        notes=own.notes + command.notes,
    )


def without(options: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``options``, empty when ``given`` says just the same already."""
    return () if given[-len(options) :] == options else options


def pytest_words(commands: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Return the arguments of the first command that runs pytest."""
    for command in commands:
        for place, word in enumerate(command):
            before = set(command[:place])
            if posixpath.basename(word) in RUNNERS and not before & {"pip", "install"}:
                return command[place + 1 :]
    return ()


def conftest_options(tree: Tree) -> Callable[[str], bool]:
    """Return a test for whether a conftest of the tree registers an option."""
    texts = [read_text(tree, p) for p in sorted(tree.paths) if p.endswith("conftest.py")]
    return lambda name: any(f'"{name}"' in text or f"'{name}'" in text for text in texts)

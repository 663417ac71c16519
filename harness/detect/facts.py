"""Gather everything detection knows of a repository, each file read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.detect.delegation import callables
from harness.detect.model import (
    Evidence,
    Names,
    ProjectMetadata,
    normalise,
    requirement_names,
    strings,
    table,
)
from harness.detect.option_tables import COLLECTS_EVERYWHERE
from harness.detect.options import Arguments, sort_arguments
from harness.detect.pyproject import load, read_pyproject
from harness.detect.pytest_config import PytestConfig, read_pytest_config
from harness.detect.requirements import evidence
from harness.detect.scores import declared_score
from harness.detect.setuptools_files import read_setup_cfg, read_setup_py
from harness.detect.suites import Used, find_test_needs, suite_files, suite_folders
from harness.detect.tox import read_tox
from harness.detect.tree import RepositoryTree, read_text
from harness.detect.witnesses import RUNNER, SCRIPT, witnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFacts:
    """What is known of a repository, for one Python version."""

    project: ProjectMetadata
    config: PytestConfig
    used: Used
    evidence: tuple[Evidence, ...]
    """Best first."""
    options: tuple[str, ...]
    paths: tuple[str, ...]
    folders: tuple[str, ...]
    """Folders that hold the tests, whatever the repository says of it."""
    is_wide: bool
    """Whether tests are collected outside of those folders too, and no path says where."""
    plugins: frozenset[str]
    setenv: tuple[tuple[str, str], ...]
    system: tuple[str, ...]
    """Debian packages that those who run the tests install before."""
    notes: tuple[str, ...]


def read_project(tree: RepositoryTree) -> ProjectMetadata:
    """Return the project's description; ``pyproject.toml`` goes before the older files."""
    document = load(tree)
    modern, cfg, script = read_pyproject(document), read_setup_cfg(tree), read_setup_py(tree)
    static = "project" in document
    dynamic = "optional-dependencies" in strings(table(document, "project").get("dynamic"))
    older: Names = {**cfg.extras, **script.extras} if dynamic or not static else {}
    return ProjectMetadata(
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
        default_groups=modern.default_groups,
    )


def gather(tree: RepositoryTree, project: ProjectMetadata, python: str) -> RepositoryFacts:
    """Return the facts of a tree for one Python version."""
    config = read_pytest_config(tree)
    tox = read_tox(tree, python)
    files, naming = suite_files(tree, config)
    folders = suite_folders(files)
    said = witnesses(callables(tree, python), project, tox)
    said.sort(key=lambda e: -e.score)
    arguments = pytest_arguments(tree, config, said, files)
    known = keep_usable_evidence(
        [*collect_declared_evidence(project), *evidence(tree), *said], project
    )
    believed = [e for e in said if e.score >= SCRIPT]
    variables = dict(pair for e in reversed(believed) for pair in e.env)
    wide = not config.words("testpaths") and collects_everywhere(arguments.options)
    paths = arguments.paths or (() if wide or config.words("testpaths") else folders)
    return RepositoryFacts(
        project=project,
        config=config,
        used=find_test_needs(tree, files),
        evidence=tuple(sorted(known, key=lambda e: -e.score)),
        options=(*naming, *arguments.options),
        paths=paths,
        folders=folders,
        is_wide=bool(wide and folders and not paths),
        plugins=config.plugins | arguments.needs,
        setenv=tuple(sorted({**variables, **dict(tox.setenv if tox else ())}.items())),
        system=tuple(dict.fromkeys(name for e in believed for name in e.system)),
        notes=arguments.notes,
    )


def collect_declared_evidence(project: ProjectMetadata) -> list[Evidence]:
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


def keep_usable_evidence(found: list[Evidence], project: ProjectMetadata) -> list[Evidence]:
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
            extras_kept = wanted if project.installable else ()
            kept.append(replace(each, extras=extras_kept, groups=groups, brings=brought))
    return kept


def collects_everywhere(options: tuple[str, ...]) -> bool:
    """Say whether tests lie outside of the folders of tests: doctests, for instance."""
    return any(option.partition("=")[0] in COLLECTS_EVERYWHERE for option in options)


def pytest_arguments(
    tree: RepositoryTree, config: PytestConfig, evidence: list[Evidence], files: list[str]
) -> Arguments:
    """Return the options of ``addopts``, and of the command by which the tests are run, sorted.

    Of several commands the first counts that says anything at all.
    """
    registered = conftest_options(tree)
    own = sort_arguments(
        config.words("addopts"), tree=tree, source="addopts", registered=registered
    )
    command, seen = Arguments(), set[tuple[str, ...]]()
    for each in evidence:
        if each.pytest is not None and each.pytest not in seen and each.score >= SCRIPT:
            seen.add(each.pytest)
            found = sort_arguments(each.pytest, tree=tree, source=each.label, registered=registered)
            found = found if each.score >= RUNNER else widen_arguments(found, files)
            command = replace(found, notes=command.notes + found.notes)
            if found.options or found.paths:
                break
    return Arguments(
        options=own.options + without(command.options, own.options),
        paths=command.paths or own.paths,
        needs=own.needs | command.needs,
        notes=tuple(dict.fromkeys(own.notes + command.notes)),
    )


def widen_arguments(found: Arguments, files: list[str]) -> Arguments:
    """Return a script's arguments without those that pick out a small part of the tests."""
    options: list[str] = []
    rest = list(found.options)
    while rest:
        option = rest.pop(0)
        if option in ("-m", "-k") and rest and "not" not in rest[0].split():
            rest.pop(0)
        else:
            options.append(option)
    covered = [f for f in files if any(f == p or f.startswith(f"{p}/") for p in found.paths)]
    wide = 2 * len(covered) >= len(files)
    return replace(found, options=tuple(options), paths=found.paths if wide else ())


def without(options: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``options``, empty when ``given`` says just the same already."""
    return () if given[-len(options) :] == options else options


def conftest_options(tree: RepositoryTree) -> Callable[[str], bool]:
    """Return a test for whether a conftest of the tree registers an option."""
    texts = [read_text(tree, p) for p in sorted(tree.paths) if p.endswith("conftest.py")]
    return lambda name: any(f'"{name}"' in text or f"'{name}'" in text for text in texts)

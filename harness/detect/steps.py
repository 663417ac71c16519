"""Write evidence as install steps: each the arguments of one ``uv pip install``."""

from __future__ import annotations

from itertools import pairwise

from harness.detect.facts import RepositoryFacts
from harness.detect.model import Evidence, normalise, requirement_name, requirement_names
from harness.detect.tree import RepositoryTree, has_path

ORDINARY_BUILD = frozenset({"setuptools", "wheel", "setuptools-scm", "pip", "setuptools-git"})

Steps = tuple[tuple[str, ...], ...]


def install(
    tree: RepositoryTree,
    facts: RepositoryFacts,
    evidence: list[Evidence],
    *,
    package: bool = True,
    isolated: bool = True,
) -> Steps:
    """Return the steps: what is around the package, the package with its extras, pytest."""
    package = package and facts.project.installable
    around = arguments_of(evidence)
    if not package:
        around = merge_arguments([*list_package_requirements(tree, facts, evidence), *around])
    groups = [word for e in evidence for name in e.groups for word in ("--group", name)]
    extras = sorted({name for e in evidence for name in e.extras})
    target = ("-e", f".[{','.join(extras)}]" if extras else ".") if package else ()
    tools = () if isolated else (build_tools(facts),)
    flags = () if isolated else ("--no-build-isolation",)
    brought = frozenset().union(*(e.brings for e in evidence))
    last = () if "pytest" in brought else ("pytest",)
    main = (*flags, *target, *pairs(groups)) if target or groups else ()
    return tuple(step for step in (around, *tools, main, last) if step)


def arguments_of(evidence: list[Evidence]) -> tuple[str, ...]:
    """Return the arguments of all evidence."""
    return merge_arguments([word for e in evidence for word in e.arguments])


def merge_arguments(words: list[str]) -> tuple[str, ...]:
    """Return arguments of ``uv pip install``, files first, each only once."""
    files = [b for a, b in pairwise(words) if a == "-r"]
    taken = set(files) | {"-r"}
    plain = dict.fromkeys(word for word in words if word not in taken)
    return (*(w for file in dict.fromkeys(files) for w in ("-r", file)), *plain)


def pairs(words: list[str]) -> tuple[str, ...]:
    """Leave out the second mention of a group."""
    names = dict.fromkeys(words[1::2])
    return tuple(word for name in names for word in ("--group", name))


def list_package_requirements(
    tree: RepositoryTree, facts: RepositoryFacts, evidence: list[Evidence]
) -> tuple[str, ...]:
    """Return what a package and its extras need when it is not itself installed."""
    project = facts.project
    extras = (item for e in evidence for name in e.extras for item in project.extras.get(name, ()))
    own = normalise(project.name)
    wanted = [r for r in (*project.dependencies, *extras) if requirement_name(r) not in ("", own)]
    if wanted or not has_path(tree, "requirements.txt"):
        return tuple(wanted)
    return ("-r", "requirements.txt")


def build_tools(facts: RepositoryFacts) -> tuple[str, ...]:
    """Return the ordinary build tools, for a build that goes without the unusual ones."""
    asked = requirement_names(facts.project.build_requires)
    scm = ("setuptools-scm",) if asked & {"setuptools-scm", "coherent-licensed"} else ()
    return ("setuptools>=77", "wheel", *scm)


def source_path(tree: RepositoryTree, facts: RepositoryFacts) -> tuple[str, ...]:
    """Return the option that makes a package importable that is not installed."""
    if facts.config.words("pythonpath"):
        return ()
    return ("-o", "pythonpath=src ." if has_path(tree, "src") else "pythonpath=.")


def unusual_build(facts: RepositoryFacts) -> bool:
    backend = facts.project.backend
    tools = requirement_names(facts.project.build_requires)
    return (not backend or backend.startswith("setuptools")) and bool(tools - ORDINARY_BUILD)

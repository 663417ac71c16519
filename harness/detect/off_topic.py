"""Leave out of evidence what is for documentation, style and releases."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from itertools import pairwise

from harness.detect.installers import Recipe, combine_recipes, is_plain_requirement, pip
from harness.detect.model import Evidence, ProjectMetadata, requirement_name, requirement_names
from harness.detect.requirements import brings, name_score
from harness.detect.resolution import resolve
from harness.detect.scores import TOOLS, is_beside_tests
from harness.detect.tree import RepositoryTree, read_text

FOR_TESTS = 100


def lighten_evidence(
    tree: RepositoryTree, project: ProjectMetadata, evidence: Evidence, used: frozenset[str]
) -> Evidence:
    """Return evidence without distributions of no use to tests; ``used`` are those tests import.

    A requirements file that is not named for tests is replaced by its lines when it holds any.
    """
    kept: list[str] = []
    opened: list[Recipe] = []
    files = [b for a, b in pairwise(evidence.arguments) if a == "-r"]
    for file in files:
        recipe = None if is_mostly_for_tests(tree, file, used) else lines(tree, file)
        if recipe is None:
            kept += ["-r", file]
        else:
            opened.append(recipe)
    plain = [word for word in evidence.arguments if word != "-r" and word not in files]
    inner = combine_recipes(opened)
    needed = [
        word for word in (*plain, *inner.arguments) if is_useful(requirement_name(word), used)
    ]
    if not opened and len(needed) == len(plain):
        return evidence
    found = resolve(
        tree,
        project,
        Recipe(extras=inner.extras, arguments=(*kept, *needed)),
        label=f"{evidence.label}, what tests need",
        score=evidence.score,
        runs=evidence.runs,
    )
    gone = brings_of(tree, files, plain) - found.brings
    return replace(
        evidence,
        label=found.label,
        extras=tuple(dict.fromkeys((*evidence.extras, *found.extras))),
        arguments=found.arguments,
        brings=(evidence.brings - gone) | found.brings,
    )


def is_useful(name: str, used: frozenset[str]) -> bool:
    return name in used or not (is_beside_tests(name) or name in TOOLS)


def is_mostly_for_tests(tree: RepositoryTree, path: str, used: frozenset[str]) -> bool:
    """Say whether a requirements file is for tests by its name, or holds nothing besides."""
    if name_score(path) >= FOR_TESTS:
        return True
    return all(is_useful(name, used) for name in brings(tree, path))


def brings_of(tree: RepositoryTree, files: list[str], plain: list[str]) -> frozenset[str]:
    return requirement_names(plain).union(*(brings(tree, file) for file in files))


def lines(tree: RepositoryTree, path: str, depth: int = 0) -> Recipe | None:
    """Return what a requirements file asks for line by line; None when it is more than a list."""
    found: list[Recipe] = []
    for raw in read_text(tree, path).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        inner = re.fullmatch(r"(?:-r|--requirement)[\s=]*(\S+)", line)
        if inner and depth < 5:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner[1]))
            recipe = lines(tree, other, depth + 1)
            if recipe is None:
                return None
            found.append(recipe)
        elif re.match(r"(?:-e|--editable)[\s=]", line):
            found.append(pip(line.split()))
        elif is_plain_requirement(line):
            found.append(Recipe(arguments=(line,)))
        elif line:
            return None
    return combine_recipes(found)

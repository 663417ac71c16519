"""Say what a tree lacks of its repository: submodules, LFS files, what a filter would change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from storage.lfs import list_pointers
from storage.submodules import list_left_out
from storage.trees import Trees

SHOWN = 3


def list_filtered(trees: Trees, tree: str) -> dict[str, list[str]]:
    """Return filter → paths that lie as they are committed, LFS apart."""
    found = defaultdict(list)
    for path, name in sorted(trees.filters(tree).items()):
        if name != "lfs":
            found[name].append(path)
    return dict(found)


def describe_gaps(trees: Trees, tree: str) -> list[str]:
    """Return a line for each kind of file that is not as in a full checkout."""
    lines = []
    if left_out := list_left_out(trees, tree):
        lines.append(f"{count(left_out, 'submodule')} left out: {name_some(left_out)}")
    if pointers := list(list_pointers(trees, tree)):
        lines.append(
            f"{count(pointers, 'file')} of Git LFS left as pointers: {name_some(pointers)}"
        )
    for name, paths in list_filtered(trees, tree).items():
        lines.append(
            f"{count(paths, 'file')} left as committed, for filter {name!r} is not run: "
            f"{name_some(paths)}"
        )
    return lines


def count(paths: Sequence[str], noun: str) -> str:
    """Return a number with its noun."""
    return f"{len(paths)} {noun}{'' if len(paths) == 1 else 's'}"


def name_some(paths: Sequence[str]) -> str:
    """Return the first paths, and say how many follow."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more

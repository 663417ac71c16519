"""A batch as a commit: a place that a job can read with its repository's own token."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from storage.trees import Trees

REF = "refs/bugfoundry/batches/{plan}"
"""Where it lies: no branch and no tag, so that pushing it starts no workflow."""


def ship(
    folder: Path, plan: str, url: str, *, trees: Trees, env: Mapping[str, str] | None = None
) -> str:
    """Push the files of a batch as one commit without a past, and return the commit.

    The same files give the same commit; pushing it again changes nothing. ``env`` holds what git
    needs to be let in. Raises GitError.
    """
    commit = trees.orphan_commit(trees.snapshot(folder), f"Batch {plan}")
    trees.push({REF.format(plan=plan): commit}, url, env=env)
    return commit


def unship(plan: str, url: str, *, trees: Trees, env: Mapping[str, str] | None = None) -> None:
    """Take a batch away that is not needed any more. Raises GitError."""
    trees.push({REF.format(plan=plan): ""}, url, env=env)

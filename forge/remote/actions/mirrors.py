"""Mirrors: one commit of a repository, in a repository of the operator's, to judge bugs in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from forge.remote.actions.github_place import Token
from forge.remote.actions.mirror_files import (
    DESCRIPTION,
    changes,
    mirror_name,
    own_workflows,
    workflow,
)
from mirror.github.client import GitHub
from mirror.github.repositories import ensure_repository
from storage.clones import github_variables
from storage.records import Bug, Repository, Task
from storage.sources import COMMIT_MESSAGE
from storage.trees import Trees
from tasks.start_state import start_commit

BRANCH = "main"
CODE = "refs/bugfoundry/code"
"""The code as it is, workflows of its own included: no branch, so nothing of it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRepository:
    """A mirror that is there."""

    name: str
    """``operator/owner__name.sha8``."""
    code: str
    """The commit that holds the code as it is."""
    made: bool
    """It was not there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorAccount:
    """On whose account mirrors are, and how they are reached."""

    account: str
    tool: str
    """``owner/bugfoundry@COMMIT``: whose workflows they run."""
    url: str
    """Where GitHub's repositories are, as https://github.com."""
    token: Token
    """Gives one that may push, workflows too."""


async def ensure_mirror(
    github: GitHub, operator: MirrorAccount, repository: Repository, *, private: bool, trees: Trees
) -> MirrorRepository:
    """Make a repository's mirror, or bring it up to date. Doing it again changes nothing.

    It has one commit on one branch: the code without its workflows, and ours. A private source
    has a private mirror. Raises GitHubError, GitError or ConfigError.
    """
    text = workflow(operator.tool)
    name = mirror_name(repository)
    made = await ensure_repository(
        github,
        operator.account,
        name,
        private=private,
        description=DESCRIPTION.format(name=f"{repository.owner}/{repository.name}"),
    )
    tree = repository.tree
    code = trees.orphan_commit(tree, COMMIT_MESSAGE)
    changed = trees.with_changes(tree, changes(trees.paths(tree), text))
    full = f"{operator.account}/{name}"
    commits = {f"refs/heads/{BRANCH}": trees.orphan_commit(changed, COMMIT_MESSAGE), CODE: code}
    await push(operator, full, commits, trees)
    return MirrorRepository(name=full, code=code, made=made)


async def publish(
    operator: MirrorAccount, mirror: str, tasks: Sequence[tuple[Task, Bug]], trees: Trees
) -> dict[str, str]:
    """Put each task into a mirror as a branch of its name that holds the bug; return the commits.

    It is what a solver starts from, but for workflows, which would run at the push. Raises
    GitError.
    """
    commits = {}
    for task, bug in tasks:
        start = start_commit(trees, bug, task.test_patch)
        commits[f"refs/heads/{task.id}"] = without_workflows(start.commit, start.tree, trees)
    await push(operator, mirror, commits, trees)
    return {ref.removeprefix("refs/heads/"): commit for ref, commit in commits.items()}


def without_workflows(commit: str, tree: str, trees: Trees) -> str:
    """Return a commit as it can be a branch: without workflows; the same where it has none."""
    gone = own_workflows(trees.paths(tree))
    if not gone:
        return commit
    return trees.orphan_commit(trees.with_changes(tree, dict.fromkeys(gone)), COMMIT_MESSAGE)


async def push(operator: MirrorAccount, mirror: str, commits: dict[str, str], trees: Trees) -> None:
    """Push commits to refs of a mirror, one connection for each few. Raises GitError."""
    if not commits:
        return
    env = github_variables(await operator.token(), operator.url)
    url = f"{operator.url}/{mirror}.git"
    await asyncio.to_thread(trees.push, commits, url, env=env)

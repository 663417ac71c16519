"""Tasks of mirrored bugs: stated by the issue, and hiding the tests that came with the fix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forge.pulls.feedback import today_paths
from forge.pulls.ledger import list_issues
from mirror.undo.fixes import Clone
from storage.records import Bug, PullRequest, Repository, Task, Verdict
from storage.tables.pulls import Pulls
from storage.trees import Trees
from tasks.hidden_tests import test_patch
from tasks.make import make_task
from tasks.mirrored import mirrored_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredTasks:
    """Makes the tasks of one repository's mirrored bugs."""

    repository: Repository
    name: str
    """``owner/name`` under which the pull requests are kept."""
    pulls: Pulls
    clone: Clone
    trees: Trees

    def make(self, bug: Bug, verdict: Verdict, messages: Mapping[str, str] | None) -> Task:
        """Make the task of a bug; without the pull request it is one like any other."""
        pull = self.pulls.get(self.name, bug.origin.commit)
        if pull is None:
            return make_task(self.repository, bug, verdict, messages=messages)
        # The whole of it, tests included: a statement must quote no line that the fix added.
        diff = self.clone.run_git("diff", "--no-ext-diff", "--no-textconv", pull.base, pull.commit)
        statement = mirrored_statement(
            pull,
            list_issues(self.pulls, pull),
            diff,
            name=self.repository.name,
            failing=verdict.fail_to_pass,
            messages=messages,
        )
        # Where the statement is made of those tests, hiding them would hide what it speaks of.
        hidden = self._hide_tests(pull, verdict) if statement.source == "issues" else ""
        return make_task(self.repository, bug, verdict, mirrored=statement, test_patch=hidden)

    def _hide_tests(self, pull: PullRequest, verdict: Verdict) -> str:
        """Return the patch that brings back the tests of the fix, which a solver does not see."""
        tree = self.repository.tree
        files = today_paths(
            self.clone.read_fix(pull.base, pull.commit).tests, self.trees.paths(tree)
        )
        return test_patch(
            lambda path: self.trees.read_file(tree, path), verdict.fail_to_pass, files
        )

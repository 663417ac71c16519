"""What became of the pull requests of one repository on one tree."""

from __future__ import annotations

from dataclasses import dataclass

from forge.pulls.attempts import Attempted
from forge.pulls.feedback import source_diff
from mirror.undo.fixes import Fix
from mirror.undo.results import Undo
from storage.records import Bug, Issue, Mirroring, PullRequest
from storage.tables.pulls import Pulls


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoTrial:
    """An attempt on a pull request whose fix could be read, and what came of it."""

    fix: Fix
    merged: Undo
    """What a merge made of it."""
    bug: Bug | None
    outcome: str
    detail: str = ""
    attempted: Attempted | None
    """None where a later attempt by the same may do better: nothing is settled."""


@dataclass(slots=True)
class MirroringLedger:
    """Reads the outcomes once, and keeps each new one in the store as it comes."""

    name: str
    """``owner/name`` under which the pull requests are kept."""
    tree: str
    pulls: Pulls
    _known: dict[str, Mirroring] | None = None

    def find(self, pull: PullRequest) -> Mirroring | None:
        """Return what became of a pull request, if that is known."""
        return self._by_commit().get(pull.commit)

    def keep_absent(self, pull: PullRequest, detail: str) -> None:
        """Keep that the history here has no such fix."""
        self._keep(
            Mirroring(
                tree=self.tree,
                repository=self.name,
                commit=pull.commit,
                outcome="not-merged-here",
                detail=detail,
            )
        )

    def keep_trial(self, pull: PullRequest, trial: UndoTrial) -> None:
        """Keep what came of an attempt."""
        bug = trial.bug
        self._keep(
            Mirroring(
                tree=self.tree,
                repository=self.name,
                commit=pull.commit,
                outcome=trial.outcome,
                detail=trial.detail,
                tier=bug.origin.operator if bug is not None else "",
                undone=round(trial.merged.undone, 3) if bug is None else bug.origin.undone,
                bug=bug.id if bug is not None else "",
                fix=source_diff(trial.fix),
                tried=trial.attempted.format() if trial.attempted is not None else "",
            )
        )

    def _keep(self, mirroring: Mirroring) -> None:
        self.pulls.set_outcome(mirroring)
        self._by_commit()[mirroring.commit] = mirroring

    def _by_commit(self) -> dict[str, Mirroring]:
        # One query for all: a repository has thousands of pull requests, and each is asked for.
        if self._known is None:
            found = self.pulls.outcomes(self.name, self.tree)
            self._known = {outcome.commit: outcome for outcome in found}
        return self._known


def list_issues(pulls: Pulls, pull: PullRequest) -> list[Issue]:
    """Return the issues that a pull request closes and that serve to state its bug.

    One opened after the pull request tells of the fix, and a bot's says nothing of behaviour.
    """
    found = [
        pulls.issue(link.repository, link.number)
        for link in pull.closes
        if not {"late", "bot"} & set(link.marks)
    ]
    return [issue for issue in found if issue is not None and issue.fetched]

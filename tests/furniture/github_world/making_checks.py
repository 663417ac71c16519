"""Check runs as Apps make them and people ask for them again."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.apps import App
from tests.furniture.github_world.base import Base
from tests.furniture.github_world.state import CheckRun, CheckSuite, Repository, User


class Checks(Base):
    """What happens to check runs."""

    def check_run(self, app: App, repository: Repository, name: str, sha: str) -> CheckRun:
        """Begin a check run."""
        now = self.tick()
        made = CheckRun(
            id=self.next_id(),
            repository=repository,
            suite=self._suite(app, repository, sha),
            name=name,
            sha=sha,
            started=now,
        )
        repository.checks.append(made)
        self._check_told("created", made, app.bot)
        return made

    def complete_check(self, run: CheckRun, conclusion: str, *, by: User) -> None:
        """End a check run."""
        run.status, run.conclusion, run.completed = "completed", conclusion, self.tick()
        self._check_told("completed", run, by)

    def rerequest_check(self, run: CheckRun, *, by: User | None = None) -> None:
        """Ask for a check again: the App that made it is told."""
        self.tick()
        self._check_told("rerequested", run, self.person(by, run.repository))

    def _suite(self, app: App, repository: Repository, sha: str) -> CheckSuite:
        for one in repository.checks:
            if one.suite.sha == sha and one.suite.app_id == app.id:
                return one.suite
        return CheckSuite(id=self.next_id(), app_id=app.id, sha=sha, created=self.clock.text)

    def _check_told(self, action: str, run: CheckRun, by: User, **more: Any) -> None:
        to = self.hearers("check_run", run.repository)
        if action == "rerequested":
            to = [one for one in to if one.app.id == run.suite.app_id]
        about = {"check_run": run, **more}
        self.happened("check_run", action, repository=run.repository, by=by, to=to, **about)

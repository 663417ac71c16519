"""Pushes: what git made of a branch is told."""

from __future__ import annotations

from typing import Any

from storage.git import git
from tests.furniture.github_world.base import Base
from tests.furniture.github_world.state import Repository, User

NOTHING = "0" * 40
FORM = "--format=%x01%H%x00%T%x00%an%x00%ae%x00%cI%x00%B%x00"
KINDS = {"A": "added", "D": "removed", "M": "modified", "T": "modified"}
MOST = 20
"""Commits that a push names."""


class Pushes(Base):
    """What happens to branches."""

    def pushed(
        self, repository: Repository, ref: str, before: str, after: str, *, by: User | None = None
    ) -> None:
        """Tell of a branch that points somewhere else; no commit is a branch that is not there."""
        if not self.hearers("push", repository):
            return
        before, after = before or NOTHING, after or NOTHING
        who = self.person(by, repository)
        commits = [] if after == NOTHING else self._commits(repository, before, after)
        html = f"{self.url}/{repository.full_name}/compare/{before[:12]}...{after[:12]}"
        self.happened(
            "push",
            repository=repository,
            by=who,
            ref=ref,
            before=before,
            after=after,
            created=before == NOTHING,
            deleted=after == NOTHING,
            forced=NOTHING not in (before, after) and not self._follows(repository, before, after),
            base_ref=None,
            compare=html,
            commits=commits[-MOST:],
            head_commit=commits[-1] if commits else None,
            pusher={"name": who.login, "email": f"{who.login}@users.noreply.github.com"},
        )

    def _follows(self, repository: Repository, before: str, after: str) -> bool:
        assert repository.git is not None
        base = git("merge-base", before, after, cwd=repository.git).decode().strip()
        return base == before

    def _commits(self, repository: Repository, before: str, after: str) -> list[dict[str, Any]]:
        assert repository.git is not None
        span = [after, f"^{before}"] if before != NOTHING else [after, "--max-count=1"]
        asked = ("log", "--reverse", "--topo-order", "--no-renames", "--name-status", FORM)
        out = git(*asked, *span, cwd=repository.git).decode()
        return [self._commit_told(repository, record) for record in out.split("\x01")[1:]]

    def _commit_told(self, repository: Repository, record: str) -> dict[str, Any]:
        oid, tree, name, email, date, message, files = record.split("\0")
        changed: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
        for line in files.strip("\n").splitlines():
            status, _, path = line.partition("\t")
            changed[KINDS[status[0]]].append(path)
        person = {"name": name, "email": email}
        return {
            "id": oid,
            "tree_id": tree,
            "distinct": True,
            "message": message.strip(),
            "timestamp": date,
            "url": f"{self.url}/{repository.full_name}/commit/{oid}",
            "author": person,
            "committer": person,
            **changed,
        }

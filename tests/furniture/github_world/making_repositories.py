"""Repositories as people make, change and lose them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from storage.git import git
from tests.furniture.github_world.describing import user
from tests.furniture.github_world.making_apps import Apps
from tests.furniture.github_world.state import Repository, User
from tests.furniture.github_world.view import View

if TYPE_CHECKING:
    from tests.furniture.github_world.world import World


class Repositories(Apps):
    """What happens to repositories as a whole."""

    def repository(
        self, full_name: str, *, private: bool = False, by: User | None = None
    ) -> Repository:
        """Make a repository without code."""
        owner, _, name = full_name.partition("/")
        made = Repository(
            id=self.next_id(),
            owner=self.user(owner, "Organization"),
            name=name,
            created=self.tick(),
            private=private,
        )
        self.repositories[full_name.lower()] = made
        self._repository_told("created", made, by)
        return made

    def give_git(self, repository: Repository) -> None:
        """Give a repository an empty git repository of its own, for what will be pushed."""
        folder = Path(self.folder.name) / str(repository.id)
        repository.git = folder / f"{repository.id}.git"
        git("init", "--quiet", "--bare", "--template=", repository.git)
        head = f"refs/heads/{repository.default_branch}"
        git("symbolic-ref", "HEAD", head, cwd=repository.git)

    def collaborator(self, repository: Repository, login: str, role: str = "write") -> User:
        """Give somebody a role in a repository: read, triage, write, maintain, admin or none."""
        repository.roles[login.lower()] = role
        return self.user(login)

    def rename(self, repository: Repository, name: str, *, by: User | None = None) -> None:
        """Rename a repository; the old name leads to it."""
        self.tick()
        old, repository.name = repository.name, name
        self.repositories[repository.full_name.lower()] = repository
        changes = {"repository": {"name": {"from": old}}}
        self._repository_told("renamed", repository, by, changes=changes)

    def transfer(self, repository: Repository, owner: User, *, by: User | None = None) -> None:
        """Give a repository to another owner; the old name leads to it. Installations that had
        it lose it."""
        self.tick()
        # The schema of the event has a user there, of whatever kind.
        old = user(View(cast("World", self)), repository.owner)
        losing = [one for one in self.installations.values() if self.covers(one, repository)]
        hearing = self.hearers("repository", repository)
        repository.owner = owner
        self.repositories[repository.full_name.lower()] = repository
        to = hearing + self.hearers("repository", repository)
        changes = {"owner": {"from": {"user": old}}}
        self._repository_told("transferred", repository, by, to=to, changes=changes)
        for one in losing:
            self.remove_repositories(one, repository, by=by)

    def archive(
        self, repository: Repository, archived: bool = True, *, by: User | None = None
    ) -> None:
        """Archive a repository, so that it is read-only, or take it out of the archive."""
        self.tick()
        repository.archived = archived
        self._repository_told("archived" if archived else "unarchived", repository, by)

    def privatize(
        self, repository: Repository, private: bool = True, *, by: User | None = None
    ) -> None:
        """Make a repository private, or public."""
        self.tick()
        repository.private = private
        self._repository_told("privatized" if private else "publicized", repository, by)

    def change_default_branch(
        self, repository: Repository, branch: str, *, by: User | None = None
    ) -> None:
        """Let another branch be the default."""
        self.tick()
        old, repository.default_branch = repository.default_branch, branch
        changes = {"default_branch": {"from": old}}
        self._repository_told("edited", repository, by, changes=changes)

    def delete_repository(self, repository: Repository, *, by: User | None = None) -> None:
        """Delete a repository, under all its names."""
        self.tick()
        losing = [one for one in self.installations.values() if self.covers(one, repository)]
        self._repository_told("deleted", repository, by)
        for name in [name for name, one in self.repositories.items() if one is repository]:
            del self.repositories[name]
        for one in losing:
            one.chosen = [kept for kept in one.chosen if kept is not repository]

    def _repository_told(
        self, action: str, repository: Repository, by: User | None = None, **about: Any
    ) -> None:
        who = self.person(by, repository)
        self.happened("repository", action, repository=repository, by=who, **about)

"""Repositories as people make, change and lose them."""

from __future__ import annotations

from tests.furniture.github_world.base import Base
from tests.furniture.github_world.state import Repository, User


class Repositories(Base):
    """What happens to repositories as a whole."""

    def repository(self, full_name: str, *, private: bool = False) -> Repository:
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
        return made

    def collaborator(self, repository: Repository, login: str, role: str = "write") -> User:
        """Give somebody a role in a repository: read, triage, write, maintain, admin or none."""
        repository.roles[login.lower()] = role
        return self.user(login)

    def rename(self, repository: Repository, name: str) -> None:
        """Rename a repository; the old name leads to it."""
        repository.name = name
        self.repositories[repository.full_name.lower()] = repository

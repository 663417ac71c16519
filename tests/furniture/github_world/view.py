"""The world as one token sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.furniture.github_world.apps import App, Grant, allows
from tests.furniture.github_world.state import Repository, User

if TYPE_CHECKING:
    from tests.furniture.github_world.world import World

ROLES = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}


@dataclass(frozen=True)
class View:
    """Who asks: nobody, a user, an installation of an App (``grant``), or the App itself."""

    world: World
    login: str = ""
    grant: Grant | None = None
    app: App | None = None
    token: str = ""

    @property
    def actor(self) -> User:
        """Who does what is done with the token."""
        return self.grant.installation.app.bot if self.grant else self.world.user(self.login)

    @property
    def key(self) -> str:
        """Whose rate limits these are; empty for nobody. A user's are of each token here."""
        if self.grant is not None:
            return f"installation {self.grant.installation.id}"
        return f"app {self.app.id}" if self.app else self.token

    def sees(self, repository: Repository) -> bool:
        """Tell whether there is a repository, for this token."""
        return not repository.private or self.reaches(repository)

    def reaches(self, repository: Repository) -> bool:
        """Tell whether the token has more than anybody's rights in a repository."""
        if self.grant is not None:
            only = self.grant.only
            held = self.world.covers(self.grant.installation, repository)
            return held and (only is None or repository.id in only)
        if self.app is not None:
            return self.world.installation_of(self.app, repository) is not None
        return bool(self.login) and self.role(repository) != "none"

    def role(self, repository: Repository) -> str:
        """Return a user's role in a repository."""
        return role_of(repository, self.login)

    def may(self, repository: Repository, needed: str) -> bool:
        """Tell whether the token may do what needs ``permission:level``.

        Stricter than GitHub in one thing: where an App is installed it also needs the permission
        to read what is public.
        """
        reads = needed.endswith(":read")
        if self.grant is not None and self.reaches(repository):
            return allows(self.grant.permissions, needed)
        if reads:
            return self.sees(repository)
        if not self.login:
            return False
        open_to_all = needed in ("issues:write", "pull_requests:write")
        least = 1 if open_to_all and self.role(repository) != "none" else ROLES["write"]
        return ROLES[self.role(repository)] >= least or (open_to_all and not repository.private)


def role_of(repository: Repository, login: str) -> str:
    """Return the role that somebody has in a repository; ``none`` is nobody's."""
    if repository.owner.login.lower() == login.lower():
        return "admin"
    return repository.roles.get(login.lower(), "none")

"""Apps as their owners make them, and installations as people handle them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jwt

from tests.furniture.github_world.apps import (
    App,
    Grant,
    Installation,
    allows,
    new_key,
    new_token,
    usual_key,
)
from tests.furniture.github_world.base import Base
from tests.furniture.github_world.hooks import Delivery
from tests.furniture.github_world.payloads import short
from tests.furniture.github_world.state import Repository, User

HOUR = 3600
PERMISSIONS = {
    "metadata": "read",
    "actions": "write",
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "pull_requests": "write",
}
EVENTS = (
    "check_run",
    "issue_comment",
    "issues",
    "label",
    "pull_request",
    "push",
    "repository",
    "workflow_run",
)


class Apps(Base):
    """What happens to Apps and installations."""

    def app(
        self,
        slug: str = "bugfoundry",
        *,
        owner: str = "octocat",
        permissions: Mapping[str, str] = PERMISSIONS,
        events: Iterable[str] = EVENTS,
        hook_url: str = "",
        webhook_secret: str | None = "It's a Secret to Everybody",
        own_key: bool = False,
    ) -> App:
        """Register an App; with a key of its own, or the one of all Apps in this process."""
        permissions = {**permissions, "metadata": "read"}
        needed = self.descriptions.openapi.events
        unsupported = [one for one in events if not allows(permissions, needed.get(one, "?:read"))]
        if unsupported:
            raise ValueError(f"events are not supported by permissions: {unsupported}")
        made = App(
            id=self.next_id(),
            hook_id=self.next_id(),
            slug=slug,
            name=slug,
            owner=self.user(owner),
            bot=self.user(slug, "Bot"),
            created=self.tick(),
            pem=new_key() if own_key else usual_key(),
            webhook_secret=webhook_secret,
            hook_url=hook_url,
            permissions=permissions,
            events=list(events),
        )
        self.apps[made.id] = made
        return made

    def install(
        self,
        app: App,
        on: Repository | Sequence[Repository] | User,
        *,
        by: User | None = None,
    ) -> Installation:
        """Install an App on some repositories of an account, or on an account with all it has."""
        chosen = [] if isinstance(on, User) else [on] if isinstance(on, Repository) else list(on)
        now = self.tick()
        made = Installation(
            id=self.next_id(),
            app=app,
            account=on if isinstance(on, User) else chosen[0].owner,
            permissions=dict(app.permissions),
            created=now,
            updated=now,
            selection="selected" if chosen else "all",
            chosen=chosen,
        )
        self.installations[made.id] = made
        self._installed("created", made, by, repositories=self._short(made))
        return made

    def installation_of(self, app: App, repository: Repository) -> Installation | None:
        """Return the App's installation that has a repository."""
        found = (one for one in self.installations.values() if one.app is app)
        return next((one for one in found if self.covers(one, repository)), None)

    def suspend(self, installation: Installation, *, by: User | None = None) -> None:
        """Suspend an installation: its tokens are refused."""
        installation.suspended = installation.updated = self.tick()
        self._installed("suspend", installation, by)

    def unsuspend(self, installation: Installation, *, by: User | None = None) -> None:
        """End the suspension."""
        installation.updated = self.tick()
        installation.suspended = None
        self._installed("unsuspend", installation, by)

    def uninstall(self, installation: Installation, *, by: User | None = None) -> None:
        """Remove an installation, and its tokens with it."""
        self.tick()
        self._installed("deleted", installation, by, repositories=self._short(installation))
        del self.installations[installation.id]
        gone = [t for t, grant in self.grants.items() if grant.installation is installation]
        for token in gone:
            del self.grants[token]

    def add_repositories(
        self, installation: Installation, *added: Repository, by: User | None = None
    ) -> None:
        """Let an installation have more repositories."""
        installation.updated = self.tick()
        installation.chosen += [one for one in added if one not in installation.chosen]
        self._chosen("added", installation, added, by)

    def remove_repositories(
        self, installation: Installation, *removed: Repository, by: User | None = None
    ) -> None:
        """Take repositories from an installation."""
        installation.updated = self.tick()
        installation.chosen = [one for one in installation.chosen if one not in removed]
        self._chosen("removed", installation, removed, by)

    def accept_permissions(
        self, installation: Installation, permissions: Mapping[str, str], *, by: User | None = None
    ) -> None:
        """Accept what the App asks for since; new tokens have it."""
        installation.updated = self.tick()
        installation.permissions = {**permissions, "metadata": "read"}
        self._installed("new_permissions_accepted", installation, by)

    def _installed(
        self, action: str, installation: Installation, by: User | None, **about: Any
    ) -> None:
        who = by or self.user("maintainer")
        about = {"installation": installation, **about}
        self.happened("installation", action, by=who, to=[installation], **about)

    def _chosen(
        self,
        action: str,
        installation: Installation,
        changed: Sequence[Repository],
        by: User | None,
    ) -> None:
        lists: dict[str, Any] = {"repositories_added": [], "repositories_removed": []}
        lists[f"repositories_{action}"] = [short(one) for one in changed]
        about = {
            "installation": installation,
            "repository_selection": installation.selection,
            "requester": None,
            **lists,
        }
        who = by or self.user("maintainer")
        event = "installation_repositories"
        self.happened(event, action, by=who, to=[installation], **about)

    def _short(self, installation: Installation) -> list[dict[str, Any]]:
        return [short(one) for one in self.covered(installation)]

    def grant(
        self,
        installation: Installation,
        *,
        permissions: Mapping[str, str] | None = None,
        repositories: Iterable[Repository] | None = None,
    ) -> Grant:
        """Make a token of an installation, as for a request."""
        only = None if repositories is None else frozenset(one.id for one in repositories)
        made = Grant(
            token=new_token(),
            installation=installation,
            permissions=dict(installation.permissions if permissions is None else permissions),
            only=only,
            expires=self.clock.now + HOUR,
        )
        self.grants[made.token] = made
        return made

    def examples(self, app: App) -> list[Delivery]:
        """Return a delivery to an App of each example that GitHub publishes (`headers_of` signs
        it); they are of repositories that this world does not have."""
        return self.hooks.examples(app, self.descriptions.webhooks.examples())

    def jwt(self, app: App, **claims: Any) -> str:
        """Return a token of an App's own, good now, or with other claims."""
        now = int(self.clock.now)
        usual = {"iss": app.client_id, "iat": now - 60, "exp": now + 540}
        return jwt.encode({**usual, **claims}, app.pem, algorithm="RS256")

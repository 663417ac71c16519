"""What every part of the world stands on: time, names, and what was asked."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from tests.furniture.github_world.apps import App, Grant, Installation, allows
from tests.furniture.github_world.clock import Clock
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import Faults
from tests.furniture.github_world.hooks import Hooks
from tests.furniture.github_world.payloads import payload
from tests.furniture.github_world.rates import Rates
from tests.furniture.github_world.state import Repository, User
from tests.furniture.github_world.view import View

if TYPE_CHECKING:
    from tests.furniture.github_world.world import World

TOKEN = "ghp_worldtoken0000000000000000000000000"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    status: int
    who: str = ""
    """Whose rate limits it went against: a login, ``installation 7``, ``app 3``."""
    nodes: int = 0
    """Of a GraphQL query: the nodes it could give."""
    cost: int = 0


class Base:
    """Whatever is made in the world takes a minute, unless its time is real."""

    def __init__(
        self, descriptions: Descriptions, *, enterprise: bool = False, clock: Clock | None = None
    ) -> None:
        self.descriptions = descriptions
        self.enterprise = enterprise
        self.clock = clock or Clock()
        self.faults = Faults()
        self.rates = Rates()
        self.tokens = {TOKEN: "octocat"}
        self.keyset_cursors = True
        """Cursors name a place in the order, as GitHub's do today; else a position in the list."""
        self.users: dict[str, User] = {}
        self.repositories: dict[str, Repository] = {}
        """By full name in lower case; a renamed one also by its old name."""
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.grants: dict[str, Grant] = {}
        self.hooks = Hooks(self.clock)
        self.running: set[asyncio.Task[None]] = set()
        """Runs of workflows that are being carried out."""
        self.folder = tempfile.TemporaryDirectory(prefix="github-world-")
        """For the code of repositories that are made over the API."""
        self.blobs: dict[str, tuple[bytes, float]] = {}
        """Artifacts that can be downloaded, and until when each."""
        self.codes: dict[str, tuple[App, float]] = {}
        """Of Apps made from a manifest, and until when each is good."""
        self.asked: list[Asked] = []
        """Of the API; what git asked is in ``asked_of_git``."""
        self.asked_of_git: list[Asked] = []
        self.complaints: list[str] = []
        self.url = ""
        self._ids = 0

    @property
    def api(self) -> str:
        """The base URL of the REST API."""
        return f"{self.url}/api/v3" if self.enterprise else self.url

    def complain(self, text: str) -> None:
        """Note what GitHub does not have, or is not built here."""
        self.complaints.append(text)

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def tick(self) -> str:
        """Let a minute pass, and return the time."""
        self.clock.step()
        return self.clock.text

    def happened(
        self,
        event: str,
        action: str | None = None,
        *,
        repository: Repository | None = None,
        by: User,
        to: Iterable[Installation] | None = None,
        **about: Any,
    ) -> None:
        """Tell the Apps that are to know: by default those installed there that asked for it."""
        if to is None:
            to = self.hearers(event, repository) if repository else ()
        view = View(cast("World", self))
        for one in to:
            said = payload(
                view, action, repository=repository, by=by, installation=one, about=about
            )
            if wrong := self.descriptions.webhooks.wrong(event, action, said):
                self.complain(wrong)
            self.hooks.add(
                one.app,
                event,
                action,
                # As it is now, whatever becomes of it.
                json.loads(json.dumps(said)),
                installation_id=one.id,
                repository_id=repository.id if repository else None,
            )

    def hearers(self, event: str, repository: Repository) -> list[Installation]:
        """Return the installations that are told of an event in a repository."""
        needed = self.descriptions.openapi.events[event]
        return [
            one
            for one in self.installations.values()
            if event in one.app.events
            and one.app.hook_active
            and not one.suspended
            and allows(one.permissions, needed)
            and self.covers(one, repository)
        ]

    def covers(self, installation: Installation, repository: Repository) -> bool:
        """Tell whether an installation has a repository."""
        if self.repositories.get(repository.full_name.lower()) is not repository:
            return False
        if repository.owner is not installation.account:
            return False
        return installation.selection == "all" or repository in installation.chosen

    def covered(self, installation: Installation) -> list[Repository]:
        """Return the repositories that an installation has."""
        every = {one.id: one for one in self.repositories.values()}.values()
        return [one for one in every if self.covers(installation, one)]

    def person(self, by: User | None, repository: Repository) -> User:
        """Return who does something: by default a maintainer, who may do everything."""
        if by is not None:
            return by
        repository.roles.setdefault("maintainer", "admin")
        return self.user("maintainer")

    def user(self, login: str, kind: Literal["User", "Bot", "Organization"] = "User") -> User:
        """Return the user of that name."""
        if login not in self.users:
            self.users[login] = User(id=self.next_id(), login=login, kind=kind)
        return self.users[login]

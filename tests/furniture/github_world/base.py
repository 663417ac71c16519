"""What every part of the world stands on: time, names, and what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.furniture.github_world.apps import App, Grant, Installation
from tests.furniture.github_world.clock import Clock
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import Faults
from tests.furniture.github_world.rates import Rates
from tests.furniture.github_world.state import Repository, User

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
        self.asked: list[Asked] = []
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

    def user(self, login: str, kind: Literal["User", "Bot", "Organization"] = "User") -> User:
        """Return the user of that name."""
        if login not in self.users:
            self.users[login] = User(id=self.next_id(), login=login, kind=kind)
        return self.users[login]

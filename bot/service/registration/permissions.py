"""What the App asks for on GitHub, and why: the least with which the service can do its work.

The manifest, `bugfoundry app check` and docs/permissions.md all come from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A repository permission, by GitHub's name for it."""

    name: str
    level: Literal["read", "write"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribedEvent:
    """An event that is subscribed to; GitHub offers it only with a permission."""

    name: str
    permission: str
    why: str


PERMISSIONS = (
    Permission(
        name="metadata",
        level="read",
        why="Every App has it. It shows a repository's name and whether it is private, its labels, "
        "and whether somebody who commands the App may write there.",
    ),
    Permission(
        name="contents",
        level="read",
        why="To clone the code whose bugs are made, and to read `.github/bugfoundry.yml`. Nothing "
        "is ever pushed.",
    ),
    Permission(
        name="issues",
        level="write",
        why="To read the issues that pull requests closed, whose words become problem statements; "
        "to answer a command under an issue, and to keep the one issue with the test-gap report.",
    ),
    Permission(
        name="pull_requests",
        level="write",
        why="To read merged pull requests, and to answer a command under one. GitHub asks for "
        "`write` for a comment; none is opened, changed or merged.",
    ),
    Permission(
        name="checks",
        level="write",
        why="To say on a pull request that was labelled which tests guard its fix, and, where "
        "maintainers choose so, to put the test-gap report on the default branch.",
    ),
    Permission(
        name="actions",
        level="read",
        why="To notice that a workflow run which judges bugs has ended, and to fetch what it "
        "found. No workflow is started, changed or cancelled.",
    ),
)

EVENTS = (
    SubscribedEvent(
        name="push",
        permission="contents",
        why="A push to the default branch marks the environment's commit as stale.",
    ),
    SubscribedEvent(
        name="label",
        permission="metadata",
        why="The label `bugfoundry` created or deleted: a repository opts in or out.",
    ),
    SubscribedEvent(
        name="pull_request",
        permission="pull_requests",
        why="One is labelled, to be mirrored next or to be kept out; or it is merged, and crawled.",
    ),
    SubscribedEvent(
        name="issues",
        permission="issues",
        why="One is labelled to be kept out, or edited, which changes a problem statement.",
    ),
    SubscribedEvent(
        name="issue_comment",
        permission="issues",
        why="A command: `/bugfoundry …`.",
    ),
    SubscribedEvent(
        name="check_run",
        permission="checks",
        why="Somebody asks for one of our checks to be run again.",
    ),
    SubscribedEvent(
        name="workflow_run",
        permission="actions",
        why="A run that judges bugs has ended.",
    ),
    SubscribedEvent(
        name="repository",
        permission="metadata",
        why="One is renamed, transferred, archived, made private or deleted.",
    ),
)
"""To these GitHub adds, unasked, what happens to installations; a manifest must not name them."""

UNASKED = ("installation", "installation_repositories")


def permissions() -> dict[str, str]:
    """Return the permissions as a manifest has them."""
    return {one.name: one.level for one in PERMISSIONS}


def events() -> list[str]:
    """Return the events as a manifest has them."""
    return [one.name for one in EVENTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How what an App has differs from what it needs; each as people say it."""

    lacking: tuple[str, ...] = ()
    """What it needs and has not, as ``issues: write``."""
    spare: tuple[str, ...] = ()
    """What it has and does not need."""


def compare_permissions(given: Mapping[str, str]) -> Difference:
    """Compare an App's permissions with those it needs."""
    needed = permissions()
    return Difference(
        lacking=tuple(f"{name}: {level}" for name, level in needed.items()
                      if _rank(given.get(name, "none")) < _rank(level)),
        spare=tuple(f"{name}: {level}" for name, level in sorted(given.items())
                    if _rank(level) > _rank(needed.get(name, "none"))),
    )  # fmt: skip


def compare_events(given: Iterable[str]) -> Difference:
    """Compare the events that an App is subscribed to with those it needs."""
    given, needed = set(given), events()
    return Difference(
        lacking=tuple(name for name in needed if name not in given),
        spare=tuple(sorted(given - {*needed, *UNASKED})),
    )


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)

"""Which tasks may be given away: maintainers decide, by opting in and out, and by hiding code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from storage.errors import ConfigError
from storage.records import Task
from storage.store import Store

Reason = Literal["opted out", "private", "kept out"]
WORDS: dict[Reason, str] = {
    "opted out": "of a repository that opted out, or is gone",
    "private": "of a private repository: `--private OWNER/NAME` exports one, alone",
    "kept out": "of a pull request that a maintainer keeps out",
}
UNKNOWN = "no repository {name} is known; `bugfoundry hosted` lists them"
PUBLIC = "{name} is public; export it without --private"
OUT = "{name} opted out ({because}), so nothing of it is exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The tasks that may be given away, and how many may not, by reason."""

    tasks: list[Task]
    withheld: dict[Reason, int]


def select_exportable(store: Store, *, private: str | None = None) -> Allowed:
    """Return the tasks that may be exported: of public code, or of one private repository alone.

    Raises ConfigError when there is no such private repository, or it opted out.
    """
    if private is not None:
        return _of_private(store, private)
    reasons = list_withheld_reasons(store)
    kept = [task for task in store.tasks() if task.id not in reasons]
    return Allowed(tasks=kept, withheld=dict(Counter(reasons.values())))


def list_withheld_reasons(store: Store) -> dict[str, Reason]:
    """Return why tasks are withheld, by their ids."""
    out, hidden = store.hosted.list_withheld_trees(private=True), store.hosted.list_withheld_trees()
    skipped = store.hosted.list_skipped_bugs()
    reasons: dict[str, Reason] = {}
    for task, tree in store.tasks_with_trees():
        if tree in out:
            reasons[task.id] = "opted out"
        elif tree in hidden:
            reasons[task.id] = "private"
        elif task.bug in skipped:
            reasons[task.id] = "kept out"
    return reasons


def _of_private(store: Store, name: str) -> Allowed:
    hosted = store.hosted.find_by_name(name)
    if hosted is None:
        raise ConfigError(UNKNOWN.format(name=name))
    if not hosted.private:
        raise ConfigError(PUBLIC.format(name=hosted.name))
    if not hosted.opted_in or hosted.state == "gone":
        raise ConfigError(OUT.format(name=hosted.name, because=hosted.because))
    trees, skipped = set(store.hosted.trees(hosted.id)), store.hosted.list_skipped_bugs()
    own = [task for task, tree in store.tasks_with_trees() if tree in trees]
    kept = [task for task in own if task.bug not in skipped]
    left = len(own) - len(kept)
    return Allowed(tasks=kept, withheld={"kept out": left} if left else {})

"""Whether a repository is opted in, and what follows: decided from what was seen, nothing else.

What stands in the repository now decides, not what a webhook told: a label that is there opts it
in, one that is gone opts it out. Who may no longer write is not heard, nor who is not known.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bot.service.base.allowance import may_write
from bot.service.repositories.wishes import Wishes, encode_wishes, wishes_of
from storage.tables.hosted import Hosted, HostedState, Mark, Marked

if TYPE_CHECKING:
    # It brings an HTTP client along, which takes a while.
    from mirror.github.present_state import GitHubRepository

LABEL = "bugfoundry"
"""In a repository it opts it in; on a pull request it asks for that to be mirrored next."""
SKIP = "bugfoundry: skip"
"""Keeps a pull request out."""
LABELLED = f"it has the label {LABEL}"
UNHEARD = f"it has the label {LABEL}; nobody told yet who made it"
UNLABELLED = f"it has no label {LABEL}"
UNTRUSTED = f"its label {LABEL} was made by somebody who may not write there; make it again"
GONE = "the App cannot see it"
BY_OPERATOR = "the operator does not want it"
SHOWN_AFTER = 2.0
"""Seconds after which what GitHub told of can be read there, with some to spare."""
WRITERS = frozenset({"admin", "maintain", "write"})
"""Roles of whom a command or the label of a repository is taken from."""
LABELLERS = WRITERS | {"triage"}
"""Roles that GitHub lets set a label on a pull request."""

Way = Literal["label", "comment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen of a repository at one moment."""

    id: int
    installation: int = 0
    """The App's installation that covers it; 0 for none."""
    suspended: bool = False
    repository: GitHubRepository | None = None
    """None where it is gone, or where nothing may be read."""
    labels: frozenset[str] = frozenset()
    head: str = ""
    """The newest commit of the default branch; empty where it was not looked for."""
    wishes: Wishes | None = None
    """What its file wants; None where it was not read."""
    began: float = 0.0
    """When it began to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a webhook told of the label: GitHub says nowhere else who made it."""

    may: bool
    """Whether who touched it may write there now."""
    made: bool
    """They made it, or gave it its name; else they changed it in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptInDecision:
    """What a sight makes of a repository."""

    hosted: Hosted
    begins: bool = False
    """It is worked on from now on."""
    stops: str = ""
    """Why it is no longer worked on; empty when it is, or was not before."""


def tells_nothing_new(
    hosted: Hosted | None, received_at: float, now: float, *, heard: bool
) -> bool:
    """Tell whether what happened before ``told`` was seen already, by a look that began after it.

    Not sooner than GitHub itself may take to show it, nor by a clock that was ahead. ``heard``:
    who touched the label was told too, which may count where that is not known or not trusted.
    """
    if hosted is None or not received_at + SHOWN_AFTER < hosted.looked <= now:
        return False
    return not heard or hosted.because not in ("", UNHEARD, UNTRUSTED)


def has_label(labels: Collection[str], label: str) -> bool:
    """Tell whether a label is among others; GitHub does not heed the case."""
    return label.casefold() in {one.casefold() for one in labels}


def decide(
    before: Hosted | None, sight: Sight, *, now: float, word: Word | None = None
) -> OptInDecision | None:
    """Decide what a repository is, by what was seen; None where it never was anything to us.

    A label that nobody told of opts in, since only who may write can make one; but whenever its
    maker is told of after all, and may not, that ends.
    """
    if sight.repository is None and before is None:
        return None
    seen = _apply_sight(before, sight)
    opted_in, because = _decide_opt_in(before, sight, word)
    if before is None or (opted_in, because) != (before.opted_in, before.because):
        seen = replace(seen, opted_in=opted_in, because=because, since=now)
    did, does = may_write(before), may_write(seen)
    return OptInDecision(
        hosted=seen,
        begins=does and not did,
        stops=(seen.because if not opted_in else f"it is {seen.state}") if did and not does else "",
    )


def decide_mark(
    before: Marked | None, labels: Collection[str], *, setter: str | None
) -> tuple[Mark | None, str]:
    """Return what is wanted of a pull request with these labels, and by whom.

    ``setter`` is who set the label that asks for it, None unless somebody who may. Without one
    nothing new is wanted, but what was stays. Keeping out takes no more than the label.
    """
    if has_label(labels, SKIP):
        return "skip", format_mark_author("label", setter or "")
    asked = has_label(labels, LABEL)
    if asked and setter is not None and not (before and before.mark == "wanted"):
        return "wanted", format_mark_author("label", setter)
    if before is None or (way_of(before) == "label" and not (asked and before.mark == "wanted")):
        return None, ""
    return before.mark, before.by


def format_mark_author(way: Way, login: str) -> str:
    """Return who wanted something, and how they said so, as it is kept with a mark."""
    return f"{way} {login}".strip()


def way_of(mark: Marked) -> str:
    """Return how somebody said what they want."""
    return mark.by.partition(" ")[0]


def _apply_sight(before: Hosted | None, sight: Sight) -> Hosted:
    found = sight.repository
    if found is None:
        if before is None:
            raise ValueError("nothing was seen, and nothing known")
        return replace(before, state="suspended" if sight.suspended else "gone", looked=sight.began)
    known = before or Hosted(id=sight.id, installation=sight.installation, name=found.name)
    state: HostedState = "archived" if found.archived or found.disabled else "active"
    return replace(
        known,
        installation=sight.installation,
        name=found.name,
        private=found.private,
        state=state,
        default_branch=found.default_branch,
        head=sight.head or known.head,
        settings=encode_wishes(sight.wishes or wishes_of(known)),
        looked=sight.began,
    )


def _decide_opt_in(before: Hosted | None, sight: Sight, word: Word | None) -> tuple[bool, str]:
    because = before.because if before is not None else ""
    if because == BY_OPERATOR:
        return False, because
    if sight.repository is None:
        if sight.suspended and before is not None:
            return before.opted_in, because
        return False, GONE
    if not has_label(sight.labels, LABEL):
        return False, UNLABELLED
    if before is not None and before.opted_in and (because != UNHEARD or word is None):
        return True, because
    if word is None:
        return (False, UNTRUSTED) if because == UNTRUSTED else (True, UNHEARD)
    if word.may:
        return True, LABELLED
    known = before is not None and before.opted_in
    return (True, because) if known and not word.made else (False, UNTRUSTED)

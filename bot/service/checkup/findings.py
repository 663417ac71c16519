"""What was looked at, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "wrong", "unknown"]
"""``note`` is as it may be; ``unknown`` could not be looked at, for something else is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckupFinding:
    """One line of the check."""

    what: str
    verdict: Verdict
    said: str
    do: str = ""
    """What to do, where something is wrong."""


def ok(what: str, said: str) -> CheckupFinding:
    """Return that all is well."""
    return CheckupFinding(what=what, verdict="ok", said=said)


def note(what: str, said: str, do: str = "") -> CheckupFinding:
    """Return something to know, which need not be wrong."""
    return CheckupFinding(what=what, verdict="note", said=said, do=do)


def wrong(what: str, said: str, do: str) -> CheckupFinding:
    """Return that something has to be done."""
    return CheckupFinding(what=what, verdict="wrong", said=said, do=do)


def make_unknown(what: str, said: str) -> CheckupFinding:
    """Return that it could not be looked at."""
    return CheckupFinding(what=what, verdict="unknown", said=said)


def is_healthy(findings: Iterable[CheckupFinding]) -> bool:
    """Tell whether nothing is wrong, and all was looked at."""
    return all(one.verdict in ("ok", "note") for one in findings)

"""Which tests guard a fix: those that fail when it is undone. A check run on the pull request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.service.outbox.outbox import CommitCheck
from bot.service.reports.plain import MOST_BYTES, fit_parts, span
from forge.run.nouns import format_count
from tasks.statements import describe_spilled

CHECK_NAME = "bugfoundry: guards of the fix"
SHOWN = 300
GUARDED = """\
{guards} when the change of this pull request is undone, and {others} on passing. They guard it: \
whoever breaks it again will hear of it."""
UNGUARDED = """\
**No test failed when the change of this pull request was undone**, though the whole suite was \
run. It could be lost again, and nothing would object."""
BROKEN = """\
Nothing works when the change of this pull request is undone ({reason}), so it cannot be told \
which tests guard it."""
UNCLEAR = """\
The tests gave no clear answer when the change of this pull request was undone ({reason})."""
NOT_UNDONE = "The change of this pull request could not be undone at {commit}: {reason}."
NO_ENVIRONMENT = (
    "The tests could not be run at {commit}: no environment could be built ({reason}). Say how it "
    "is done in {config}."
)
WHERE_MERGED = "It was undone in today's code, at {commit}{share}."
WHERE_OPEN = "It was undone at its own head, {commit}; it is made a task once it is merged."
REST = "*And {} more.*"
CONFIG = ".github/bugfoundry.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What undoing a pull request came to."""

    head: str
    """The pull request's own head, where the check run stands."""
    commit: str
    """The commit at which it was undone."""
    merged: bool
    reason: str
    """That of the verdict; or, where nothing was judged, why, in words."""
    judged: bool = True
    tests: tuple[str, ...] = ()
    """Those that fail."""
    others: int = 0
    """How many go on passing."""
    spilled: int = 0
    """How many more fail in company alone."""
    undone: float = 1.0
    """How much of it was undone, from 0 to 1."""


def guards_check(found: Guards) -> CommitCheck:
    """Return the check run; it informs, and is never a failure of the pull request."""
    valid = found.judged and found.reason == "valid"
    return CommitCheck(
        head_sha=found.head,
        name=CHECK_NAME,
        conclusion="success" if valid else "neutral",
        title=headline(found),
        summary=summary(found),
        text=list_tests(found.tests),
    )


def unbuilt_check(head: str, commit: str, reason: str) -> CommitCheck:
    """Return the check run that says why no test could be run."""
    said = NO_ENVIRONMENT.format(commit=span(commit[:12]), reason=span(reason), config=span(CONFIG))
    return CommitCheck(
        head_sha=head,
        name=CHECK_NAME,
        conclusion="neutral",
        title="The tests could not be run",
        summary=said,
    )


def headline(found: Guards) -> str:
    """Return what undoing came to, in a line."""
    if not found.judged:
        return "The fix could not be undone"
    match found.reason:
        case "valid":
            verb = "guards" if len(found.tests) == 1 else "guard"
            return f"{format_count(len(found.tests), 'test')} {verb} this fix"
        case "no-test-failed":
            return "No test guards this fix"
    return "It cannot be told which tests guard this fix"


def summary(found: Guards) -> str:
    """Return what undoing came to."""
    commit = span(found.commit[:12])
    if not found.judged:
        return NOT_UNDONE.format(commit=commit, reason=found.reason)
    share = f", {found.undone:.0%} of it" if found.undone < 1 else ""
    where = WHERE_MERGED if found.merged else WHERE_OPEN
    return f"{describe_verdict(found)}\n\n{where.format(commit=commit, share=share)}"


def describe_verdict(found: Guards) -> str:
    """Say what the verdict means for who wrote the fix."""
    match found.reason:
        case "valid":
            fails = "fails" if len(found.tests) == 1 else "fail"
            goes = "goes" if found.others == 1 else "go"
            guarded = GUARDED.format(
                guards=f"{format_count(len(found.tests), 'test')} {fails}",
                others=f"{format_count(found.others, 'other')} {goes}",
            )
            return guarded + (f" {describe_spilled(found.spilled)}" if found.spilled else "")
        case "no-test-failed":
            return UNGUARDED
        case "breaks-everything":
            return BROKEN.format(reason=found.reason)
    return UNCLEAR.format(reason=found.reason)


def list_tests(tests: Sequence[str]) -> str:
    """Return tests as a list, as many as fit."""
    if not tests:
        return ""
    items = [f"- {span(test)}" for test in tests[:SHOWN]]
    if len(tests) > SHOWN:
        items.append(REST.format(len(tests) - SHOWN))
    return fit_parts(items, REST, MOST_BYTES)

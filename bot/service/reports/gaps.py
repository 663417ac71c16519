"""The test-gap report: what could be broken without any test objecting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bot.service.outbox.outbox import CheckAnnotation
from bot.service.reports.channels import CONFIG, ReportDraft
from bot.service.reports.plain import block, link, span
from bot.service.reports.ranks import Gap
from forge.run.nouns import format_count
from syntax.marked import parse_diff

SHOWN = 25
"""Functions in a report: a list that nobody ends helps nobody."""
ANNOTATED = 100
LONGEST_DIFF = 60
"""Lines of a diff that are shown."""
TITLE = "bugfoundry: bugs that no test would notice"
INTRO = """\
bugfoundry broke {name} in many small ways, at commit {commit}, and had its {tests} judge each. \
{noticed} of {judged} bugs were noticed. For those below **no test failed, though the whole suite \
was run**: a change like this could be merged, and nothing would object.

The worst come first: bugs that were mended here once and could come back; then code that tests \
run without minding what it does; then code that no test runs. A few may change nothing that can \
be seen from outside: leave those."""
NONE = """\
bugfoundry broke {name} in many small ways, at commit {commit}, and had its {tests} judge each. \
{noticed} of {judged} bugs were noticed, and none of the others is left that a full run of the \
tests let pass."""
REST = "*And {} more functions with bugs that no test notices.*"
FOOTER = """\
---
This issue is kept up to date. It can be a check run instead, or nothing: `report: check` or \
`report: none` in {config}. Deleting the label `bugfoundry` of this repository ends it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """What came of a strategy's bugs."""

    strategy: str
    judged: int
    valid: int
    """Noticed by some tests, not by half of them: tasks."""
    unnoticed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFacts:
    """What the report is about."""

    name: str
    """``owner/name``."""
    commit: str
    web_url: str
    public_url: str
    """Where the dashboard is; empty when nobody reaches it."""
    yields: tuple[Yield, ...]
    tests: int

    @property
    def judged(self) -> int:
        return sum(one.judged for one in self.yields)

    @property
    def noticed(self) -> int:
        return self.judged - sum(one.unnoticed for one in self.yields)


def gap_report(facts: GapFacts, gaps: Sequence[Gap]) -> ReportDraft:
    """Return the report; empty of gaps it says so."""
    return ReportDraft(
        title=TITLE,
        headline=headline(gaps),
        intro=intro(facts, gaps),
        parts=tuple(sections(facts, gaps)),
        rest=REST,
        footer=footer(facts),
        annotations=tuple(annotation(gap) for gap in gaps[:ANNOTATED]),
        empty=not gaps,
    )


def headline(gaps: Sequence[Gap]) -> str:
    """Return the report in a line."""
    return (
        f"{format_count(len(gaps), 'bug')} that no test would notice"
        if gaps
        else "No gap was found"
    )


def intro(facts: GapFacts, gaps: Sequence[Gap]) -> str:
    """Return what comes first."""
    text = INTRO if gaps else NONE
    return text.format(
        name=span(facts.name),
        commit=span(facts.commit[:12]),
        tests=format_count(facts.tests, "test"),
        noticed=f"{facts.noticed:,}",
        judged=f"{facts.judged:,}",
    )


def sections(facts: GapFacts, gaps: Sequence[Gap]) -> list[str]:
    """Return a section for each function, with its worst bug."""
    groups: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        groups.setdefault(gap.place, []).append(gap)
    found = [section(n, facts, some) for n, some in enumerate(groups.values(), start=1)]
    left = len(found) - SHOWN
    return found if left <= 0 else [*found[:SHOWN], REST.format(left)]


def section(number: int, facts: GapFacts, gaps: Sequence[Gap]) -> str:
    """Return what is told of one function."""
    worst, origin = gaps[0], gaps[0].bug.origin
    where = f"{origin.path}:{origin.line}"
    file = f"{facts.web_url}/{facts.name}/blob/{facts.commit}/{quote(origin.path)}"
    entity = f" in {span(origin.entity)}" if origin.entity else ""
    more = len(gaps) - 1
    lines = [
        f"### {number}. {link(where, f'{file}#L{origin.line}')}{entity}",
        f"{describe_tests(worst)}{near(worst)}",
        block(shorten_diff(hunk_lines(worst.bug.patch)), "diff"),
    ]
    if more:
        lines.append(f"And {format_count(more, 'more bug')} in the same place.")
    return "\n\n".join(lines)


def describe_tests(gap: Gap) -> str:
    """Say how tests stand to a gap."""
    origin = gap.bug.origin
    if origin.strategy == "mirror":
        pull = f" by {span(f'#{origin.pull}')}" if origin.pull else ""
        return f"**This bug was here once** and was mended{pull}. No test would notice it again."
    if not gap.running:
        return "No test runs this code."
    runs = "test runs" if gap.running == 1 else "tests run"
    return f"{gap.running:,} {runs} this code, and none minds."


def near(gap: Gap) -> str:
    """Say where a test for it would belong."""
    return f" The nearest tests are in {span(gap.nearest)}." if gap.nearest else ""


def annotation(gap: Gap) -> CheckAnnotation:
    """Return a gap as a remark beside its line."""
    origin = gap.bug.origin
    changed = [line for line in hunk_lines(gap.bug.patch) if line[:1] in "+-"]
    nearest = f" The nearest tests are in {gap.nearest}." if gap.nearest else ""
    said = f"No test fails when this is changed.{nearest}"
    return CheckAnnotation(
        path=origin.path,
        start_line=max(1, origin.line),
        end_line=max(1, origin.line),
        level="notice",
        title="No test would notice",
        message=f"{said}\n\n{shorten_diff(changed)}",
    )


def footer(facts: GapFacts) -> str:
    """Return what comes last: what each strategy came to, and the way out."""
    rows = [
        f"| {one.strategy} | {one.judged:,} | {one.valid:,} | {one.unnoticed:,} |"
        for one in facts.yields
    ]
    head = ["| bugs by | judged | made tasks | not noticed |", "|---|--:|--:|--:|"]
    more = f"\n\n[All of them]({facts.public_url.rstrip('/')}/repositories/{facts.name})"
    shown = more if facts.public_url else ""
    return "\n".join([*head, *rows]) + f"{shown}\n\n{FOOTER.format(config=span(CONFIG))}"


def hunk_lines(patch: str) -> list[str]:
    """Return the lines of a patch's hunks, their headers included. Raises PatchError."""
    hunks = "".join(str(hunk) for file in parse_diff(patch) for hunk in file)
    return hunks.rstrip("\n").split("\n")


def shorten_diff(lines: Sequence[str]) -> str:
    """Return lines of a diff, no more than are read."""
    left = len(lines) - LONGEST_DIFF
    shown = lines if left <= 0 else [*lines[:LONGEST_DIFF], f"… {left} more lines"]
    return "\n".join(shown).encode("utf-8", "replace").decode()

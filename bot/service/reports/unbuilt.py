"""What maintainers are told when their tests cannot be run: the reasons, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.service.reports.channels import CONFIG, ReportDraft
from bot.service.reports.plain import span
from storage.tables.hosted import Hosted

TITLE = "bugfoundry: the tests of this repository cannot be run"
HEADLINE = "The tests cannot be run"
INTRO = """\
bugfoundry could not build an environment in which the tests of {name} pass at commit {commit}. \
Nothing can be measured until it can{serves}.

It needs 20 tests that run, and 95 % of them to pass, without the network."""
SERVES = "; the environment of commit {commit} goes on serving meanwhile"
FOOTER = """\
---
Say how it is done in {config}: `python`, `install` (arguments of `uv pip install`), \
`pytest_args`, `env`. Then write `/bugfoundry retry` in a comment here. `report: none` in the same \
file ends these messages, and deleting the label `bugfoundry` of this repository ends it all."""
REST = "*And {} more.*"
NO_PLAN = "No plan could be made: neither packaging nor tests were found."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A plan that failed. ``why`` may be empty."""

    plan: str
    reason: str
    why: str = ""


def make_unbuilt_report(hosted: Hosted, commit: str, tried: Sequence[Tried]) -> ReportDraft:
    """Return the report on an environment that cannot be built."""
    other = hosted.commit and hosted.commit != commit
    serves = SERVES.format(commit=span(hosted.commit[:12])) if other else ""
    return ReportDraft(
        title=TITLE,
        headline=HEADLINE,
        intro=INTRO.format(name=span(hosted.name), commit=span(commit[:12]), serves=serves),
        parts=tuple(map(describe_plan, dict.fromkeys(tried))) or (NO_PLAN,),
        rest=REST,
        footer=FOOTER.format(config=span(CONFIG)),
    )


def describe_plan(one: Tried) -> str:
    """Return a plan that failed in a line."""
    why = f": {span(one.why)}" if one.why else ""
    return f"- {span(one.plan)}: **{one.reason}**{why}"

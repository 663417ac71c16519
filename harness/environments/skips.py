"""Read why tests are skipped, and plan for what brings them back. Pure.

The reasons are those of ``pytest.importorskip``, of skip marks, and of ``unittest``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.detect.distributions import DISTRIBUTIONS
from harness.detect.model import normalise, requirement_name, requirement_names
from harness.environments.providers import find_distribution, install_provided, list_provided
from harness.environments.repair_context import RepairContext, change_plan
from harness.runs.suite import SuiteRun
from storage.records import Plan

MODULE = re.compile(
    r"(?:could not import|[Nn]o module named|[Cc]annot import|[Mm]issing (?:module|import)) "
    r"['\"`]?([A-Za-z_][\w.]*)"
)
LACKING = re.compile(
    r"(?i)could ?n[o']t import|no module|not (?:be )?(?:installed|available|found|present|import)|"
    r"unavailable|\bno\b|missing|requir|need|install|depend|without|optional|extra\b|is None|import"
)
"""Words of a reason that speak of something that is not there."""
EXTRA = re.compile(r"\[([A-Za-z][\w,. -]*)\]|['\"`]?([A-Za-z][\w.-]*)['\"`]? extra\b")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]|[A-Za-z]")
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipReason:
    """Why tests of one file are skipped, and how many; a module that is skipped whole is one."""

    path: str
    reason: str
    count: int = 1


def read_skips(run: SuiteRun) -> tuple[SkipReason, ...]:
    """Return why tests were skipped, the most frequent reason first."""
    found = Counter(
        (test.partition("::")[0], result.detail)
        for test, result in run.results.items()
        if result.outcome == "skipped"
    )
    found.update(run.collect_skips)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(SkipReason(path=path, reason=why, count=n) for (path, why), n in ranked)


def find_missing_distributions(skip: SkipReason, known: RepairContext) -> tuple[str, ...]:
    """Return what would have to be installed for a skipped test; empty when that is not why.

    What the reason names is believed. Where it names nothing but speaks of something missing, it
    is what the file imports only where it is there.
    """
    named = {*MODULE.findall(skip.reason)}
    found = [find_distribution(module.rstrip("."), known) for module in sorted(named)]
    found += find_named_distributions(skip.reason, known)
    if not any(found) and not named:
        found = [find_distribution(each, known) for each in list_optional_imports(skip, known)]
    names = (name for name in found if name and requirement_name(name) not in known.installed)
    return tuple(dict.fromkeys(names))


def list_optional_imports(skip: SkipReason, known: RepairContext) -> list[str]:
    """Return what a skipped file imports where it is there: all of it, or what is named."""
    if not skip.reason:
        return []
    modules = known.optional_imports(skip.path)
    words = {word.lower() for word in WORD.findall(skip.reason)}
    lacks = LACKING.search(skip.reason)
    return [each for each in modules if lacks or each.partition(".")[0].lower() in words]


def find_named_distributions(reason: str, known: RepairContext) -> list[str]:
    """Return what a reason names of the repository's lists: a distribution, module, or extra."""
    if not LACKING.search(reason):
        return []
    provided = list_provided(known)
    modules = {module.lower(): requirement_name(d) for module, d in DISTRIBUTIONS.items()}
    words = [normalise(word) for word in WORD.findall(reason)]
    found = [modules.get(word, word) if word not in provided else word for word in words]
    extras = {normalise(e) for match in EXTRA.findall(reason) for e in "".join(match).split(",")}
    named = [each for each in known.providers if normalise(each.name) in extras]
    brought = [name for each in named for name in sorted(requirement_names(each.requirements))]
    return [name for name in (*found, *brought) if name in provided]


def answer_skips(plan: Plan, skips: Iterable[SkipReason], known: RepairContext) -> tuple[Plan, ...]:
    """Return plans that install what skipped tests want: all of it, then each part alone."""
    wanted: dict[str, str] = {}
    for skip in skips:
        for name in find_missing_distributions(skip, known):
            wanted.setdefault(name, f"tests of {skip.path} are skipped: {skip.reason}")
    choices = [list(wanted)] + [[name] for name in wanted if len(wanted) > 1]
    made = []
    for names in choices if wanted else []:
        steps, added = install_provided(plan.install, names, known)
        if steps != plan.install:
            because = list(dict.fromkeys(wanted[name] for name in names))[:3]
            made.append(change_plan(plan, because, f"with {' '.join(added)}", install=steps))
    return tuple(made)


def describe_skips(skips: Iterable[SkipReason]) -> str:
    """Return what is skipped and why, a line for each reason."""
    places: dict[str, Counter[str]] = {}
    for skip in skips:
        places.setdefault(skip.reason or "no reason given", Counter())[skip.path] += skip.count
    ranked = sorted(places.items(), key=lambda item: -item[1].total())
    lines = [f"{each.total()} x {why} ({name_places(list(each))})" for why, each in ranked]
    more = len(lines) - MOST_SHOWN
    return "\n".join([*lines[:MOST_SHOWN], *([f"and {more} reasons more"] if more > 0 else [])])


def name_places(paths: list[str]) -> str:
    """Name the first of some files, and count the others."""
    others = len(paths) - 1
    more = f" and {others} more file{'s' if others > 1 else ''}" if others else ""
    return f"{paths[0]}{more}"

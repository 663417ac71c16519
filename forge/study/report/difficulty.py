"""How hard a verified bug is to find and mend: its files, its verdict, the calls between."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mutators.combination.call_graph import CallGraph, Function
from storage.records import Bug, Verdict
from syntax.features.features import Features, features_of, sides_of, wounds_of
from syntax.patch_text import apply_patch

TESTS = 20
"""Failing tests that a distance is looked for from."""
FARTHEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """One verified bug."""

    strategy: str
    features: Features
    failing: int
    """FAIL_TO_PASS."""
    share: float
    """Of the tests that can tell, how many fail."""
    distance: int | None
    """Calls from the nearest failing test to the wound; None where names do not lead there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """The middle of a strategy's bugs."""

    strategy: str
    bugs: int
    lines: float
    tokens: float
    hunks: float
    files: float
    entities: float
    failing: float
    share: float
    distance: float | None
    reached: float
    """Share of the bugs to which the names of calls lead from a failing test."""


def difficulty_of(
    bug: Bug, verdict: Verdict, files: Mapping[str, bytes], calls: CallGraph
) -> Difficulty | None:
    """Measure one bug; None where it changes no code. Raises PatchError when it does not apply."""
    sides = sides_of(apply_patch(bug.patch, files.get), files)
    features = features_of(sides)
    if features is None:
        return None
    wounds = {found for path, at in wounds_of(sides) if (found := calls.around(path, at))}
    failing, passing = len(verdict.fail_to_pass), len(verdict.pass_to_pass)
    return Difficulty(
        strategy=bug.origin.strategy,
        features=features,
        failing=failing,
        share=failing / max(failing + passing, 1),
        distance=distance(calls, verdict.fail_to_pass[:TESTS], wounds),
    )


def distance(calls: CallGraph, tests: Iterable[str], wounds: set[Function]) -> int | None:
    """Count the calls from the nearest of some tests to a wounded function, by names alone."""
    starts = {found for test in tests if (found := function_of(calls, test))}
    waiting = deque((start, 0) for start in sorted(starts, key=lambda f: (f.path, f.start)))
    seen = set(starts)
    while waiting:
        function, steps = waiting.popleft()
        if function in wounds:
            return steps
        if steps < FARTHEST:
            for callee in calls.called_by(function):
                if callee not in seen:
                    seen.add(callee)
                    waiting.append((callee, steps + 1))
    return None


def function_of(calls: CallGraph, test: str) -> Function | None:
    """Find the function of a test id such as ``tests/test_a.py::TestA::test_b[1]``."""
    path, *names = test.partition("[")[0].split("::")
    wanted = ".".join(names)
    return next((f for f in calls.functions.get(path, ()) if f.name == wanted), None)


def summarise_strategies(bugs: Sequence[Difficulty]) -> list[Summed]:
    """Return the medians of each strategy, by name."""
    found = []
    for strategy in sorted({bug.strategy for bug in bugs}):
        own = [bug for bug in bugs if bug.strategy == strategy]
        near = [bug.distance for bug in own if bug.distance is not None]
        found.append(
            Summed(
                strategy=strategy,
                bugs=len(own),
                lines=median(b.features.lines_gone + b.features.lines_came for b in own),
                tokens=median(b.features.tokens_gone + b.features.tokens_came for b in own),
                hunks=median(b.features.hunks for b in own),
                files=median(b.features.files for b in own),
                entities=median(b.features.entities for b in own),
                failing=median(b.failing for b in own),
                share=median(b.share for b in own),
                distance=median(near) if near else None,
                reached=len(near) / len(own),
            )
        )
    return found

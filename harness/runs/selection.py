"""Which tests can notice a change: rules over what each test was seen to run. Pure.

Coverage is taken with every test alone in a process of its own (``harness/runner/``), so that a
lazy import, a cache or a shared fixture is seen by all who need it. The rules are written down,
with their reasons, in docs/selection.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from harness.runs.changes import FunctionChange, changes
from harness.runs.statements import Lines

PYTHON = ".py"
Masks = Mapping[str, int]
"""Lines by file of the tree: bit n stands for line n."""
TestMask = tuple[Sequence[str], int]
"""Tests, and the lines of one file that each of them has."""
Path = Literal["swap", "fork", "fresh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionTrace:
    """What one test ran and read, alone."""

    code: Masks = field(default_factory=dict)
    """First lines of the code objects that it entered."""
    lines: Masks = field(default_factory=dict)
    """Lines that it executed."""
    introspected: Masks = field(default_factory=dict)
    """First lines of functions whose code or defaults it looked at."""
    opened: frozenset[str] = frozenset()
    """Files of the tree that it opened, imports of its own included."""
    opaque: bool = False
    """It started processes, or switched the tracing off: what it runs cannot be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the baseline's tests ran; ``imported`` is what ran before the first of them."""

    imported: ExecutionTrace
    tests: Mapping[str, ExecutionTrace]
    importers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each file of tests, what is opened until it is collected; empty when not known."""
    index: CoverageIndex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", CoverageIndex(self))


class CoverageIndex:
    """The coverage of all tests, by file: what ``select`` asks for again and again."""

    def __init__(self, coverage: Coverage) -> None:
        self.opaque = frozenset(test for test, seen in coverage.tests.items() if seen.opaque)
        self.code: dict[str, list[TestMask]] = {}
        self.lines: dict[str, list[TestMask]] = {}
        self.introspected: dict[str, list[TestMask]] = {}
        self.openers: dict[str, set[str]] = {}
        # Tests of many parameters run the same: what they have in common is one object.
        groups: dict[int, tuple[ExecutionTrace, list[str]]] = {}
        for test, seen in coverage.tests.items():
            groups.setdefault(id(seen), (seen, []))[1].append(test)
        for seen, tests in groups.values():
            for found, masks in (
                (self.code, seen.code),
                (self.lines, seen.lines),
                (self.introspected, seen.introspected),
            ):
                for path, mask in masks.items():
                    found.setdefault(path, []).append((tests, mask))
            for path in seen.opened:
                self.openers.setdefault(path, set()).update(tests)
        self.tests_of: dict[str, set[str]] = {}
        for test in coverage.tests:
            self.tests_of.setdefault(test.partition("::")[0], set()).add(test)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The tests that can notice a change; None stands for every test, and why."""

    tests: frozenset[str] | None
    why: str
    path: Path = "fork"
    """The fastest way of running them that may be sound."""
    everywhere: bool = False
    """All files have to be collected, not only those that hold the tests."""
    changes: Mapping[str, tuple[FunctionChange, ...]] = field(default_factory=dict)
    """By file, what may be swapped in a session that is already collected."""


def select(
    coverage: Coverage, files: Mapping[str, bytes | None], read: Mapping[str, bytes | None]
) -> Selection:
    """Return the tests that can notice ``files``; ``read`` holds their unbroken content."""
    chosen = set(coverage.index.opaque)
    why, path = "tests that run what is changed", "swap"
    everywhere = False
    swaps: dict[str, tuple[FunctionChange, ...]] = {}
    for name, new in files.items():
        old = read.get(name)
        if old is None or new is None or not name.endswith(PYTHON):
            return Selection(
                tests=None, why=f"{name} is no source file that only changes", path="fresh"
            )
        found = changes(old, new)
        if found is None or any(acts_at_import(coverage.imported, name, each) for each in found):
            importers = find_importing_tests(coverage, name)
            if importers is None:
                return Selection(tests=None, why=f"{name} changes what runs at import")
            chosen |= importers[0]
            everywhere = everywhere or importers[1]
            why, path = f"tests that import {name}, which changes what runs at import", "fork"
            continue
        swaps[name] = found
        openers = coverage.index.openers.get(name, set())
        chosen |= openers
        for each in found:
            chosen |= find_noticing_tests(coverage.index, name, each)
        if openers and len(old.splitlines()) != len(new.splitlines()):
            path = "fork"
    if path == "fork":
        return Selection(tests=frozenset(chosen), why=why, path="fork", everywhere=everywhere)
    return Selection(tests=frozenset(chosen), why=why, path="swap", changes=swaps)


def find_noticing_tests(index: CoverageIndex, path: str, change: FunctionChange) -> set[str]:
    """Return the tests that can notice a change of one function."""
    wanted = 0
    if change.precise:
        for lines in change.touched:
            wanted |= mask_of(lines)
        found = select_tests(index.lines, path, wanted)
    else:
        wanted = mask_of(change.span)
        found = select_tests(index.code, path, wanted)
    if change.introspects:
        wanted = mask_of(change.span)
        found |= select_tests(index.introspected, path, wanted)
    return found


def select_tests(masks: Mapping[str, Sequence[TestMask]], path: str, wanted: int) -> set[str]:
    """Return the tests that have one of the wanted lines of a file."""
    return {test for tests, mask in masks.get(path, ()) if mask & wanted for test in tests}


def acts_at_import(imported: ExecutionTrace, path: str, change: FunctionChange) -> bool:
    """Say whether what changes ran, or was looked at, before the first test."""
    span = mask_of(change.span)
    if change.introspects and imported.introspected.get(path, 0) & span:
        return True
    if not change.precise:
        return bool(imported.code.get(path, 0) & span)
    ran = imported.lines.get(path, 0)
    entered = imported.code.get(path, 0) & span
    return bool(entered) and any(ran & mask_of(lines) for lines in change.touched)


def find_importing_tests(coverage: Coverage, path: str) -> tuple[set[str], bool] | None:
    """Return the tests of files that import a file, and those that do so late; None: all may.

    And whether all files are to be collected: what is imported while tests are collected, though
    no file of tests imports it, can end or stop the collection of all.
    """
    if not coverage.importers:
        return None
    index = coverage.index
    found = set(index.openers.get(path, ()))
    collected = False
    for file, tests in index.tests_of.items():
        opened = coverage.importers.get(file)
        if opened is None or path in opened:
            found |= tests
            collected = True
    return found, path in coverage.imported.opened and not collected


@lru_cache(maxsize=4096)
def mask_of(lines: Lines) -> int:
    first, last = lines
    return (1 << (last + 1)) - (1 << first)


def files_of(tests: Iterable[str]) -> frozenset[str]:
    """Return the files that hold tests, by their ids."""
    return frozenset(test.partition("::")[0] for test in tests)

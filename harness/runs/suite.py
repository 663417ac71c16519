"""Run tests through a runner's channel and gather what came of each."""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from harness.runs.changes import FunctionChange
from harness.runs.conditions import AS_JUDGED, Conditions
from harness.runs.selection import ExecutionTrace, Path
from harness.sandboxes.sandbox import Channel, Frame
from storage.errors import SandboxError
from storage.records import Outcome

OUTCOMES: frozenset[str] = frozenset(get_args(Outcome))
GRACE = 60.0
"""Seconds beyond a run's own limit before the runner itself counts as hung."""
PREPARING = 300.0
"""Seconds until the runner counts as hung while it starts what it holds: it waits 120 for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one test. ``detail`` is one line, as the code under test wrote it."""

    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    report: str = ""
    """Where it was asked for: what Python prints of the exception, the end of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """One run of the suite, or of some of its tests."""

    results: Mapping[str, Result]
    collected: tuple[str, ...] | None
    """Ids in collection order; None when pytest died before it had collected."""
    collect_errors: tuple[tuple[str, str], ...] = ()
    collect_skips: tuple[tuple[str, str], ...] = ()
    """Modules that were skipped whole, and why."""
    exhausted: bool = False
    """The time for the whole run was used up; tests without a result were not run."""
    stopped: bool = False
    """More tests were red than asked for, and the rest was not run."""
    restored: bool = True
    error: str = ""
    tail: str = ""
    """The end of pytest's output when it did not finish."""
    seconds: float = 0.0
    """Wall clock of the run."""
    path: str = "fresh"
    """The way by which the last process was started, and why not by a faster one."""
    why: str = ""
    clock: bool = False
    """Another clock was asked for, and could be had."""
    seen: Mapping[str, ExecutionTrace] = field(default_factory=dict)
    """What each test ran, where it was watched; what ran before the first is under ``""``."""

    def outcome(self, test: str) -> Outcome | None:
        """The test's outcome; ``missing`` when it was not collected, None when it was not run."""
        found = self.results.get(test)
        if found is not None:
            return found.outcome
        if self.collected is not None and test in self.collected:
            return None
        return None if self.exhausted or self.stopped else "missing"


async def run_suite(
    channel: Channel,
    *,
    args: Sequence[str],
    test_timeout: float,
    total_timeout: float,
    tests: Collection[str] | None = None,
    files: Mapping[str, bytes | None] | None = None,
    isolate: bool = False,
    test_timeouts: Mapping[str, float] | None = None,
    collect_timeout: float | None = None,
    stop_after_red: int | None = None,
    watched: Collection[str] | None = None,
    hang_limit: int | None = None,
    impatient_timeout: float | None = None,
    watch: bool = False,
    reports: bool = False,
    only_files: Collection[str] | None = None,
    path: Path = "fresh",
    changes: Mapping[str, Sequence[FunctionChange]] | None = None,
    conditions: Conditions = AS_JUDGED,
) -> SuiteRun:
    """Write ``files`` into the tree, run the tests in a fresh process, restore the tree.

    By the path ``fork`` the process is forked from one that has pytest loaded, and nothing of the
    repository; by the path ``swap`` from one that has collected the unbroken code, and the
    functions of ``changes`` get their new code. The runner takes a slower path where one cannot
    be taken, and says so in the run's ``path`` and ``why``.

    ``isolate`` gives every test a process of its own; times are seconds, ``test_timeouts`` those
    of single tests. The run is stopped when more than ``stop_after_red`` tests are red, of
    ``watched`` alone where it is given. More than ``hang_limit`` tests that time out, or a
    collection that hangs, use up the time of the whole run; after a few, ``impatient_timeout`` is
    all that a test may take. ``watch`` notes what each test runs, ``reports`` what Python prints of
    each failure; ``only_files`` are the only files of tests that are collected. ``conditions``
    other than those of judging hold for fresh processes alone. Raises SandboxError when the runner
    is gone or does not keep to the protocol.
    """
    await channel.send(
        {
            "op": "run",
            "path": {"mode": path, "swaps": encode_swaps(changes or {})},
            "args": list(args),
            "tests": None if tests is None else sorted(tests),
            "files": {path: encode(data) for path, data in (files or {}).items()},
            "isolate": isolate,
            "test_timeout": test_timeout,
            "total_timeout": total_timeout,
            "test_timeouts": dict(test_timeouts or {}),
            "collect_timeout": collect_timeout,
            "watched": None if watched is None else sorted(watched),
            "stop_after_red": stop_after_red,
            "hang_limit": hang_limit,
            "impatient_timeout": impatient_timeout,
            "watch": watch,
            "reports": reports,
            "only_files": None if only_files is None else sorted(only_files),
            "conditions": conditions.frame(),
        }
    )
    started = time.monotonic()
    gathered = FrameCollector(asked=None if tests is None else frozenset(tests))
    while True:
        try:
            frame = await channel.receive(timeout=total_timeout + GRACE)
        except TimeoutError as error:
            raise SandboxError("the runner did not answer in time") from error
        if gathered.take(frame):
            return gathered.make_run(frame, seconds=round(time.monotonic() - started, 3))


async def prepare(channel: Channel, *, args: Sequence[str], path: Path) -> bool:
    """Start what runs by a path are forked from. Returns whether all else is as it was.

    A run does so itself where it has not been done. Raises SandboxError.
    """
    await channel.send({"op": "prepare", "args": list(args), "path": path})
    while True:
        try:
            frame = await channel.receive(timeout=PREPARING)
        except TimeoutError as error:
            raise SandboxError("the runner did not answer in time") from error
        if frame.get("event") == "prepared":
            return bool(frame.get("restored"))


async def run_compile(channel: Channel, sources: Sequence[str]) -> list[bool]:
    """Say of each source whether it compiles under the sandbox's Python."""
    await channel.send({"op": "compile", "sources": list(sources)})
    answers = (await channel.receive(timeout=GRACE)).get("answers")
    if not isinstance(answers, list) or len(answers) != len(sources):
        raise SandboxError("the runner's answer does not fit the question")
    return [bool(answer) for answer in answers]


def encode(data: bytes | None) -> str | None:
    """Encode a file's content for a frame; None deletes the file."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def encode_swaps(changes: Mapping[str, Sequence[FunctionChange]]) -> list[dict[str, Any]]:
    """Put changed functions in a frame's form."""
    return [
        {
            "path": path,
            "name": change.name,
            "classes": list(change.classes),
            "span": list(change.span),
            "imports": list(change.imports),
            "old": change.old,
            "new": change.new,
            "new_first": change.new_first,
            "touched": [list(lines) for lines in change.touched],
            "precise": change.precise,
            "introspects": change.introspects,
            "defaults": [list(each) for each in change.defaults],
        }
        for path, found in changes.items()
        for change in found
    ]


class FrameCollector:
    """Gathers frames of one run, and refuses what was not asked for or came twice."""

    def __init__(self, *, asked: frozenset[str] | None) -> None:
        self._asked = asked
        self._collected: tuple[str, ...] | None = None
        self._known: frozenset[str] = frozenset()
        self._results: dict[str, Result] = {}
        self._seen: dict[str, ExecutionTrace] = {}

    def take(self, frame: Frame) -> bool:
        """Take one frame. Returns whether it was the last."""
        kind = frame.get("event")
        if kind == "collected":
            found = [str(test) for test in frame["tests"]]
            if self._asked is not None:
                found = [test for test in found if test in self._asked]
            self._collected, self._known = tuple(found), frozenset(found)
        elif kind == "seen":
            self._seen.setdefault(str(frame["test"]), read_seen(frame))
        elif kind == "outcome":
            test, outcome = frame.get("test"), frame.get("outcome")
            if test in self._known and test not in self._results and outcome in OUTCOMES:
                self._results[test] = Result(
                    outcome=outcome,
                    seconds=float(frame.get("seconds", 0.0)),
                    detail=str(frame.get("detail", "")),
                    report=str(frame.get("report", "")),
                )
        return kind == "done"

    def make_run(self, done: Frame, *, seconds: float) -> SuiteRun:
        """What was gathered, with what the runner said at the end."""
        return SuiteRun(
            results=self._results,
            collected=self._collected,
            collect_errors=tuple((str(p), str(d)) for p, d in done.get("collect_errors", ())),
            collect_skips=tuple((str(p), str(d)) for p, d in done.get("collect_skips", ())),
            exhausted=bool(done.get("exhausted")),
            stopped=bool(done.get("stopped")),
            restored=bool(done.get("restored")),
            error=str(done.get("error", "")),
            tail=str(done.get("tail", "")),
            seconds=seconds,
            path=str(done["path"]["mode"]),
            why=str(done["path"]["why"]),
            clock=bool(done.get("clock")),
            seen={t: s for t, s in self._seen.items() if not t or t in self._known},
        )


def read_seen(frame: Frame) -> ExecutionTrace:
    """Read what a test was seen to run."""
    return ExecutionTrace(
        code=read_masks(frame["code"]),
        lines=read_masks(frame["lines"]),
        introspected=read_masks(frame["introspected"]),
        opened=frozenset(frame["opened"]),
        opaque=bool(frame["opaque"]),
    )


def read_masks(digits: Mapping[str, str]) -> dict[str, int]:
    """Read lines as a frame has them: hexadecimal digits by file."""
    return {str(path): int(mask, 16) for path, mask in digits.items()}

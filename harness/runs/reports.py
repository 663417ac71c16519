"""Gather what the runner reports of one run: what is not asked for is refused, memory is bounded.

Code of the repository may have got hold of the runner, so nothing that it sends is trusted: each
frame is short (``harness/sandboxes/process.py``), and all that is kept of a run is counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from harness.runs.results import OUTCOMES, Result, SuiteRun
from harness.runs.selection import ExecutionTrace
from harness.sandboxes.sandbox import Frame
from storage.errors import SandboxError

FORGED = "pytest was changed by the code under test: no outcome counts"
"""Said of each test where the runner saw that."""
KEPT_LIMIT = 1 << 30
"""Bytes that the reports of one run may take in memory, by a rough count."""
ENTRY = 200
"""Bytes that an entry takes beside its text, about."""
TRACE_LIMIT = 256 << 20
"""Bytes that what one test was seen to run may take, before it is known to be another's too."""
SHOWN = 200
TRACE_FIELDS = ("code", "lines", "introspected")
ALL_FIELDS = (*TRACE_FIELDS, "opened")


class FrameCollector:
    """Gathers frames of one run, and refuses what was not asked for or came twice.

    Raises SandboxError where there is more than KEPT_LIMIT to keep.
    """

    def __init__(self, *, asked: Collection[str] | None) -> None:
        self._asked = None if asked is None else {test: test for test in asked}
        self._collected: tuple[str, ...] | None = None
        self._known: dict[str, str] = {}
        self._results: dict[str, Result] = {}
        self._errors: list[tuple[str, str]] = []
        self._skips: list[tuple[str, str]] = []
        self._left_out: list[tuple[str, str]] = []
        self._traces = TraceCollector(self.keep)
        self._kept = 0

    def keep(self, size: int, entries: int = 1) -> None:
        """Count what is kept from here on. Raises SandboxError where it is too much."""
        self._kept += size + ENTRY * entries
        if self._kept > KEPT_LIMIT:
            raise SandboxError(
                f"the reports of one run are over KEPT_LIMIT ({KEPT_LIMIT >> 20} MiB)"
            )

    def take(self, frame: Frame) -> bool:
        """Take one frame. Returns whether it was the last."""
        kind = frame.get("event")
        if kind == "collected" and self._collected is None:
            self._take_collected(frame)
        elif kind == "collect-error":
            self._take_pair(self._errors, frame.get("path"), frame.get("detail"))
        elif kind == "collect-skip":
            self._take_pair(self._skips, frame.get("path"), frame.get("detail"))
        elif kind == "left-out":
            self._take_pair(self._left_out, frame.get("test"), frame.get("why"))
        elif kind == "seen":
            test = str(frame["test"])
            if not test or test in self._known:
                self._traces.take(self._known.get(test, test), frame)
        elif kind == "outcome":
            self._take_outcome(frame)
        return kind == "done"

    def _take_collected(self, frame: Frame) -> None:
        for test in map(str, frame["tests"]):
            if self._asked is None:
                self.keep(len(test))
                self._known.setdefault(test, test)
            elif test in self._asked:
                # One text for each id, however many frames name it.
                self._known[self._asked[test]] = self._asked[test]
        if not frame.get("more"):
            self._collected = tuple(self._known)

    def _take_pair(self, pairs: list[tuple[str, str]], one: object, other: object) -> None:
        pair = (str(one), str(other))
        self.keep(sum(map(len, pair)))
        pairs.append(pair)

    def _take_outcome(self, frame: Frame) -> None:
        test, outcome = self._known.get(str(frame.get("test"))), frame.get("outcome")
        if test is None or test in self._results or outcome not in OUTCOMES:
            return
        result = Result(
            outcome=outcome,
            seconds=float(frame.get("seconds", 0.0)),
            detail=str(frame.get("detail", "")),
            report=str(frame.get("report", "")),
        )
        self.keep(len(result.detail) + len(result.report))
        self._results[test] = result

    def make_run(self, done: Frame, *, seconds: float) -> SuiteRun:
        """What was gathered, with what the runner said at the end."""
        results = self._results
        if done.get("forged"):
            results = dict.fromkeys(results, Result(outcome="error", detail=FORGED))
        return SuiteRun(
            results=results,
            collected=self._collected,
            collect_errors=tuple(self._errors),
            collect_skips=tuple(self._skips),
            left_out=tuple(self._left_out),
            exhausted=bool(done.get("exhausted")),
            stopped=bool(done.get("stopped")),
            restored=bool(done.get("restored")),
            error=str(done.get("error", "")),
            tail=str(done.get("tail", "")),
            seconds=seconds,
            path=str(done["path"]["mode"]),
            why=str(done["path"]["why"]),
            clock=bool(done.get("clock")),
            seen=self._traces.seen,
        )


class TraceCollector:
    """Gathers what tests were seen to run; what several have in common is kept once."""

    def __init__(self, keep: Callable[[int, int], None]) -> None:
        self._keep = keep
        self._test = ""
        self._parts: dict[str, dict[str, str]] = {}
        self._opened: set[str] = set()
        self._names: dict[str, str] = {}
        self._masks: dict[int, int] = {}
        self._known: dict[bytes, ExecutionTrace] = {}
        self.seen: dict[str, ExecutionTrace] = {}
        self._clear()

    def _clear(self) -> None:
        self._pending = 0
        self._parts = {name: {} for name in TRACE_FIELDS}
        self._opened = set()

    def take(self, test: str, frame: Frame) -> None:
        """Take one part of what a test was seen to run; parts of one test follow each other."""
        if test != self._test:
            self._test = test
            self._clear()
        for name in TRACE_FIELDS:
            self._parts[name].update(frame[name])
            self._pending += sum(len(path) + len(mask) for path, mask in frame[name].items())
        self._opened.update(map(str, frame["opened"]))
        self._pending += ENTRY * (1 + sum(map(len, (frame[name] for name in ALL_FIELDS))))
        if self._pending > TRACE_LIMIT:
            raise SandboxError(
                f"what {test[:SHOWN]!r} was seen to run is over TRACE_LIMIT "
                f"({TRACE_LIMIT >> 20} MiB)"
            )
        if not frame.get("more"):
            self.seen.setdefault(test, self._make_trace(bool(frame["opaque"])))
            self._clear()

    def _make_trace(self, opaque: bool) -> ExecutionTrace:
        parts: list[Any] = [sorted(self._parts[name].items()) for name in TRACE_FIELDS]
        content = json.dumps([*parts, sorted(self._opened), opaque]).encode()
        name = hashlib.sha256(content).digest()
        if name not in self._known:
            self._keep(len(content) // 2, sum(map(len, parts)) + len(self._opened) + 8)
            code, lines, introspected = map(self._read_masks, parts)
            self._known[name] = ExecutionTrace(
                code=code,
                lines=lines,
                introspected=introspected,
                opened=frozenset(self._names.setdefault(each, each) for each in self._opened),
                opaque=opaque,
            )
        return self._known[name]

    def _read_masks(self, digits: list[tuple[str, str]]) -> Mapping[str, int]:
        """Read lines as a frame has them: hexadecimal digits by file."""
        numbers = ((self._names.setdefault(path, path), int(mask, 16)) for path, mask in digits)
        return {path: self._masks.setdefault(number, number) for path, number in numbers}

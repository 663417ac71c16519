"""One request to run tests: which processes it takes, and what is passed on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .child import PytestProcess
from .environment import make_environment
from .frames import DETAIL_LIMIT, LINE_LIMIT, PATIENCE, REPORT_LIMIT, TIMED_OUT
from .held import HeldProcesses
from .parts import split_list
from .processes import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

NO_SWAP = -1
"""Stands for an exit code where the changed functions could not be given their new code."""


class RunRequest:
    """One ``run`` request: outcomes are sent as they are known, each test once."""

    def __init__(
        self, frame: dict[str, Any], send: Callable[[dict[str, Any]], None], stable: HeldProcesses
    ) -> None:
        self.send = send
        self.path = "fresh"
        self.why = ""
        self.args = [str(arg) for arg in frame.get("args", ())]
        self.mode = str(frame.get("path", {}).get("mode", "fresh"))
        self.swaps = frame.get("path", {}).get("swaps") or []
        self.held = stable.list_ways(self.mode, self.args)
        if self.mode == "swap":
            self.why = stable.refused
        self.test_timeout = float(frame["test_timeout"])
        self.test_timeouts = dict(frame.get("test_timeouts") or {})
        self.collect_timeout = float(frame.get("collect_timeout") or frame["total_timeout"])
        self.deadline = time.monotonic() + float(frame["total_timeout"])
        self.isolate = bool(frame.get("isolate"))
        self.wanted = frame.get("tests")
        self.stop_after = frame.get("stop_after_red")
        self.watched = None if frame.get("watched") is None else set(frame["watched"])
        self.hang_limit = frame.get("hang_limit")
        self.watch = bool(frame.get("watch"))
        self.reports = bool(frame.get("reports"))
        self.only_files = frame.get("only_files")
        self.conditions = frame.get("conditions") or {}
        self.impatient_timeout = frame.get("impatient_timeout")
        self.hung = 0
        self.collected: list[str] | None = None
        self.parts: list[str] = []
        self.told: set[str] = set()
        self.reported: dict[str, str] = {}
        self.red = 0
        self.exhausted = False
        self.stopped = False
        self.forged = False
        self.forks = True
        self.tail = ""

    def is_over(self) -> bool:
        """Say whether no more tests are to be run."""
        return self.exhausted or self.stopped

    def run(self) -> None:
        """Run what was asked; what a dead process left unreported is run again, one by one."""
        if self.mode not in ("fresh", "fork", "swap"):
            raise ValueError("this runner knows no path %r" % self.mode)
        self.run_process(self.wanted, self.isolate)
        while self.collected is not None and not self.is_over():
            left = [test for test in self.collected if test not in self.reported]
            if not left:
                return
            if self.forks or self.path == "swap":
                self.run_process(left, True)
            else:
                # No forks here: one at a time, so that the next death is known by its name.
                self.run_process(left[:1], False)
            if not self.is_over() and not any(test in self.reported for test in left):
                self.report_outcome(
                    left[0], "crashed", 0.0, "the process died before the test reported"
                )

    def find_limit(self, running: str | None, collecting: bool) -> float:
        """Seconds that may pass without a word from the process."""
        if collecting:
            return self.collect_timeout
        limit = float(self.test_timeouts.get(running, self.test_timeout))
        return min(limit, self.find_patience())

    def find_patience(self) -> float:
        """Seconds that any test may take, now that some have hung."""
        if self.impatient_timeout is None or self.hung < PATIENCE:
            return float("inf")
        return float(self.impatient_timeout)

    def run_process(self, tests: list[str] | None, isolate: bool) -> None:
        """Run one pytest process to its end, its death or a time limit."""
        config = {
            "args": self.args,
            "tests": tests,
            "isolate": isolate,
            "test_timeout": self.test_timeout,
            "test_timeouts": self.test_timeouts,
            "impatient_timeout": self.impatient_timeout,
            "hung": self.hung,
            "watch": self.watch,
            "reports": self.reports,
            "only_files": self.only_files,
            "order_seed": self.conditions.get("order_seed"),
            "swaps": self.swaps,
        }
        self.parts = []
        # From the fastest way to the surest. A fresh process is always to be had.
        for path, held in [*self.held, ("fresh", None)]:
            if path == "swap" and self.mode != "swap":
                continue
            child = PytestProcess(config, make_environment(self.conditions), held)
            self.path = path if child.forked else "fresh"
            if self.follow_child(child, isolate):
                return

    def follow_child(self, child: PytestProcess, isolate: bool) -> bool:
        """Follow a process to its end. Returns False when another path has to be taken."""
        code = None
        try:
            code = self.take_messages(child, isolate)
        finally:
            tail = child.close()
            if code not in (0, 1, 5, NO_SWAP):
                self.tail = tail
        if code == NO_SWAP:
            self.mode = "fork"
        return code != NO_SWAP

    def take_messages(self, child: PytestProcess, isolate: bool) -> int | None:
        """Take what the process reports; return its exit code, None when it did not finish."""
        running, since, collecting = None, time.monotonic(), True
        while not (child.ended or self.is_over()):
            now = time.monotonic()
            limit = self.find_limit(running, collecting) + (GRACE if isolate else 0.0)
            if now >= self.deadline or (collecting and now - since >= limit):
                self.exhausted = True
            elif now - since >= limit:
                if running is not None:
                    self.report_outcome(running, "timeout", now - since, TIMED_OUT)
                return None
            for message in child.messages(min(1.0, self.deadline - now, limit - (now - since))):
                kind, since = message["event"], time.monotonic()
                collecting = collecting and (kind != "collected" or message["more"])
                if kind == "finished":
                    return int(message["code"])
                if kind == "cannot-swap":
                    self.why = message["why"][:DETAIL_LIMIT]
                    return NO_SWAP
                if kind == "start":
                    running = message["test"]
                elif kind == "outcome":
                    running = None
                self.take_message(kind, message)
        return None

    def take_message(self, kind: str, message: dict[str, Any]) -> None:
        """Keep or pass on one message of the process."""
        if kind == "collected":
            self.take_collected(message["tests"], message["more"])
        elif kind in ("collect-error", "collect-skip"):
            self.send_once(dict(message, detail=message["detail"][-DETAIL_LIMIT:]))
        elif kind == "left-out":
            self.send_once(message)
        elif kind == "too-long":
            raise ValueError(
                "a message %r of %d bytes is over LINE_LIMIT (%d bytes)"
                % (message["what"][:DETAIL_LIMIT], message["bytes"], LINE_LIMIT)
            )
        elif kind == "outcome":
            self.report_outcome(
                message["test"],
                message["outcome"],
                message["seconds"],
                message["detail"],
                message.get("report", ""),
            )
        elif kind == "forged":
            self.forged = True
        elif kind == "cannot-fork":
            self.forks = False
        elif kind == "seen":
            self.send(message)

    def take_collected(self, tests: list[str], more: bool) -> None:
        """Take ids of tests; pass all of them on when the last have come, of the first process."""
        if self.collected is not None:
            return
        self.parts += tests
        if more:
            return
        self.collected = self.parts
        parts = list(split_list(self.collected))
        for place, part in enumerate(parts, 1):
            self.send({"event": "collected", "tests": part, "more": place < len(parts)})

    def send_once(self, message: dict[str, Any]) -> None:
        """Pass on what each process says that collects the tests."""
        key = repr(sorted(message.items()))
        if key not in self.told:
            self.told.add(key)
            self.send(message)

    def report_outcome(
        self, test: str, outcome: str, seconds: float, detail: str, report: Any = ""
    ) -> None:
        """Send an outcome, and stop where enough is known."""
        # The first word counts: what the parent of a fork says of its end comes after the fork's
        # own, and a test could send a second one.
        if test in self.reported:
            return
        self.reported[test] = outcome
        message = {
            "event": "outcome",
            "test": test,
            "outcome": outcome,
            "seconds": round(seconds, 6),
            "detail": detail[:DETAIL_LIMIT],
        }
        if self.reports and isinstance(report, str):
            message["report"] = report[-REPORT_LIMIT:]
        self.send(message)
        if self.watched is None or test in self.watched:
            self.red += outcome in ("failed", "error", "timeout", "crashed")
        self.hung += outcome == "timeout"
        if self.stop_after is not None and self.red > self.stop_after:
            self.stopped = True
        if self.hang_limit is not None and self.hung > self.hang_limit:
            self.exhausted = True

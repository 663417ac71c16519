"""Run tests through a runner's channel and gather what came of each."""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.runner.parts import split_request
from harness.runs.changes import FunctionChange
from harness.runs.conditions import AS_JUDGED, Conditions
from harness.runs.reports import FrameCollector
from harness.runs.results import OUTCOMES, Result, SuiteRun
from harness.runs.selection import Path
from harness.sandboxes.sandbox import Channel, Frame
from storage.errors import SandboxError

__all__ = ["OUTCOMES", "Result", "SuiteRun", "encode", "prepare", "run_compile", "run_suite"]

GRACE = 60.0
"""Seconds beyond a run's own limit before the runner itself counts as hung."""
PREPARING = 300.0
"""Seconds until the runner counts as hung while it starts what it holds: it waits 120 for each."""


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
    started = time.monotonic()
    await send_request(
        channel,
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
        },
    )
    gathered = FrameCollector(asked=tests)
    while True:
        try:
            frame = await channel.receive(timeout=total_timeout + GRACE)
        except TimeoutError as error:
            raise SandboxError("the runner did not answer in time") from error
        try:
            if gathered.take(frame):
                return gathered.make_run(frame, seconds=round(time.monotonic() - started, 3))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise SandboxError("the runner does not keep to the protocol") from error


async def send_request(channel: Channel, frame: Frame) -> None:
    """Send a request, what is long of it in frames of its own. Raises SandboxError."""
    for part in split_request(frame):
        await channel.send(part)


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

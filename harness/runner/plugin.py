"""The plugin of pytest that reports, and can run each test in a fork of its own."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import posixpath
import random
import re
import threading
import time
import traceback
import types
from typing import Any

from .blocked import HOOKS_OF_BLOCKED, MARKS_OF_BLOCKED, SETTINGS_OF_BLOCKED
from .canary import CANARY
from .frames import (
    DETAIL_LIMIT,
    LINE_LIMIT,
    PATIENCE,
    REPORT_LIMIT,
    SHOWN_ID,
    TEST_ID_LIMIT,
    TIMED_OUT,
    write_all,
)
from .parts import measure_json, split_list, split_trace
from .places import find_prefix
from .processes import describe_death, kill_process, wait_for_end
from .tree import ScratchFolders

SKIPPED = re.compile(r"^(?:Skipped|unittest\.case\.SkipTest): ")
"""What pytest writes before the reason of a skip."""


class ReportPlugin:
    """Reports what pytest reports: collection, each test's start, each test's outcome."""

    def __init__(self, fd: int, config: dict[str, Any]) -> None:
        self.fd = fd
        self.wanted = None if config["tests"] is None else set(config["tests"])
        self.isolate = config["isolate"]
        self.test_timeout = config["test_timeout"]
        self.test_timeouts = config["test_timeouts"]
        self.impatient_timeout = config["impatient_timeout"]
        self.hung = config["hung"]
        self.complete = False
        self.watcher: Any = None
        self.reports = config["reports"]
        self.told: dict[str, str] = {}
        # In a fork of a held session the working folder may be another by now.
        self.root = getattr(self, "root", None) or os.getcwd()
        self.prefix = getattr(self, "prefix", "")
        self.temporary = os.environ.get("TMPDIR", "")
        self.scratch: Any = None
        self.only_files = None if config["only_files"] is None else set(config["only_files"])
        self.order_seed = config["order_seed"]
        self.phases: dict[str, list[Any]] = {}
        self.session_of_tests: Any = None
        self.canary_outcome = ""
        self.copies: dict[str, list[Any]] = {}
        # Tests have threads, and a plugin may report from one.
        self.lock = threading.Lock()

    def pytest_addhooks(self, pluginmanager: Any) -> None:
        """Let a conftest keep its hooks for plugins that are blocked."""
        specs = types.ModuleType("hooks_of_blocked")
        for name, arguments in HOOKS_OF_BLOCKED.items():
            setattr(specs, name, eval("lambda %s: None" % arguments))
        pluginmanager.add_hookspecs(specs)

    def pytest_addoption(self, parser: Any) -> None:
        for name in SETTINGS_OF_BLOCKED:
            parser.addini(name, "of a plugin that is blocked")

    def pytest_configure(self, config: Any) -> None:
        self.prefix = find_prefix(
            self.root, str(getattr(config, "rootpath", None) or config.rootdir)
        )
        for name in MARKS_OF_BLOCKED:
            config.addinivalue_line("markers", name + ": of a plugin that is blocked")

    def find_id(self, nodeid: str) -> str:
        """Return a test's id by its path in the tree."""
        if not self.prefix:
            return nodeid
        path, colons, name = nodeid.partition("::")
        return posixpath.normpath(self.prefix + path) + colons + name

    def pytest_ignore_collect(self, collection_path: Any) -> bool | None:
        """Leave the files of tests alone that are not asked for; packages and conftests stay."""
        if self.only_files is None or collection_path.is_dir():
            return None
        path = os.path.relpath(str(collection_path), self.root)
        keep = path in self.only_files or os.path.basename(path) in ("__init__.py", "conftest.py")
        return None if keep else True

    def send(self, **message: Any) -> None:
        """Send one message, on a line of its own even when a test has written half a line."""
        line = json.dumps(message).encode("utf-8")
        if len(line) > LINE_LIMIT:
            # The other side would take it for something that a test wrote, and drop it.
            told = {"event": "too-long", "what": message["event"], "bytes": len(line)}
            line = json.dumps(told).encode("utf-8")
        with self.lock:
            write_all(self.fd, b"\n" + line + b"\n")

    def send_collected(self) -> None:
        """Send the ids of the tests: thousands of them are more than one message holds."""
        parts = list(split_list(self.copies))
        for place, part in enumerate(parts, 1):
            self.send(event="collected", tests=part, more=place < len(parts))

    def send_seen(self, test: str) -> None:
        """Send what a test was seen to run."""
        for part in split_trace(self.watcher.summarize()):
            self.send(event="seen", test=test, **part)

    def pytest_collection_modifyitems(self, session: Any, config: Any, items: list[Any]) -> None:
        self.complete = True
        kept = [item for item in items if self.is_chosen(self.find_id(item.nodeid))]
        if len(kept) < len(items):
            chosen = set(map(id, kept))
            gone = [item for item in items if id(item) not in chosen]
            items[:] = kept
            config.hook.pytest_deselected(items=gone)
        if self.order_seed is not None:
            items[:] = shuffle_items(items, self.order_seed)

    def is_chosen(self, test: str) -> bool:
        """Say whether a test is to be run; one whose id is too long is told of."""
        # A character takes twelve bytes at most: nearly no id has to be measured.
        if len(test) * 12 <= TEST_ID_LIMIT or measure_json(test) <= TEST_ID_LIMIT:
            return self.wanted is None or test in self.wanted
        if self.wanted is None:
            name = hashlib.sha256(test.encode("utf-8", "replace")).hexdigest()[:12]
            shown = "%s… (%d characters, %s)" % (test[:SHOWN_ID], len(test), name)
            self.send(event="left-out", test=shown, why="id-too-long")
        return False

    def pytest_collection_finish(self, session: Any) -> None:
        """Say what was collected; pytest calls this also when a module has ended collection."""
        if not self.complete:
            return
        if self.watcher is not None:
            self.watcher.stop()
            self.send_seen("")
        self.session_of_tests = session
        for item in session.items:
            self.copies.setdefault(self.find_id(item.nodeid), []).append(item)
        self.send_collected()

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.send_collect_report("collect-error", report)
        elif report.skipped:
            self.send_collect_report("collect-skip", report)

    def send_collect_report(self, event: str, report: Any) -> None:
        path = self.find_id(report.nodeid)
        self.send(event=event, path=path, detail=summarize_failure(report))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        if nodeid != CANARY:
            self.send(event="start", test=self.find_id(nodeid))

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.phases.setdefault(self.find_id(report.nodeid), []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """Send the outcome when the last test with this id has ended."""
        test = self.find_id(nodeid)
        if nodeid == CANARY:
            self.canary_outcome = combine_reports(self.phases.pop(test, []))[0]
            return
        copies = self.copies.get(test, [])
        for item in copies[:1]:
            self.forget_output(item, self.phases.get(test, []))
        del copies[:1]
        if not copies:
            self.send_outcome(test, *combine_reports(self.phases.pop(test, [])))

    @staticmethod
    def forget_output(item: Any, reports: list[Any]) -> None:
        """Drop what a test has printed: pytest keeps all of it to its end, which nobody reads.

        A megabyte of each of a thousand tests would be a gigabyte.
        """
        for report in reports:
            report.sections = []
        item._report_sections = []

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Keep what a person would see of the first thing that went wrong in a test."""
        if self.reports and hasattr(report, "when"):
            test = self.find_id(report.nodeid)
            self.told.setdefault(test, format_exception(call.excinfo, self.root + os.sep))

    def send_outcome(self, test: str, outcome: str, seconds: float, detail: str) -> None:
        more = {"report": self.told.pop(test, "")} if self.reports else {}
        self.send(
            event="outcome", test=test, outcome=outcome, seconds=seconds, detail=detail, **more
        )

    def pytest_runtestloop(self, session: Any) -> bool | None:
        if not self.isolate:
            return None
        if session.config.option.collectonly:
            return True
        # Of all threads only this one is in a fork, and what another held locked stays locked.
        if threading.active_count() > 1:
            self.send(event="cannot-fork")
            return True
        gc.freeze()
        for items in list(self.copies.values()):
            self.run_in_fork(items)
        return True

    def run_in_fork(self, items: list[Any]) -> None:
        """Run a test (all that share its id) in a fork, so that no other has run before it."""
        test = self.find_id(items[0].nodeid)
        if self.scratch is None:
            self.scratch = ScratchFolders([self.temporary] if self.temporary else [])
        self.send(event="start", test=test)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                self.run_copies(items)
            finally:
                # It has reported by itself; what the parent says after it is heard no more.
                os._exit(0)
        limit = self.test_timeouts.get(test, self.test_timeout)
        if self.impatient_timeout is not None and self.hung >= PATIENCE:
            limit = min(limit, self.impatient_timeout)
        status = wait_for_end(pid, began + limit)
        kill_process(pid, group_only=status is not None)
        seconds = time.monotonic() - began
        if status is None:
            os.waitpid(pid, 0)
        # The place is small, and thousands of tests leave something there.
        self.scratch.clear()
        if status is None:
            self.hung += 1
            self.send_outcome(test, "timeout", seconds, TIMED_OUT)
        else:
            detail = describe_death(status)
            self.send_outcome(test, "crashed", seconds, detail)

    def run_copies(self, items: list[Any]) -> None:
        """Run a test and the others of its id, and say what they ran where that is asked."""
        test = self.find_id(items[0].nodeid)
        if self.watcher is not None:
            self.watcher.prepare_children()
            self.watcher.start()
        for item in list(items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if self.watcher is not None:
            self.watcher.stop()
            self.send_seen(test)


def shuffle_items(items: list[Any], seed: int) -> list[Any]:
    """Return tests in a random order: files, and the tests inside each; files stay together.

    What is set up once for a file is then set up once, as in any run.
    """
    chance = random.Random(seed)
    files: dict[str, list[Any]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    groups = list(files.values())
    chance.shuffle(groups)
    for group in groups:
        chance.shuffle(group)
    return [item for group in groups for item in group]


def combine_reports(reports: list[Any]) -> tuple[str, float, str]:
    """One outcome out of set-up, call and tear-down: what is red wins over what is not."""
    outcome, detail = "passed", ""
    seconds = sum(report.duration for report in reports)
    if not reports:
        return "error", 0.0, "the test was not run"
    for report in reports:
        if report.failed:
            if outcome not in ("failed", "error"):
                outcome = "failed" if report.when == "call" else "error"
                detail = summarize_failure(report)
        elif report.skipped and outcome == "passed":
            outcome = "xfailed" if hasattr(report, "wasxfail") else "skipped"
            detail = summarize_failure(report)
    return outcome, seconds, detail


def summarize_failure(report: Any) -> str:
    """What failed, in one line, as pytest's own summary has it."""
    lookup = getattr(report.longrepr, "errorstring", None)
    if lookup:
        return str(lookup).strip().splitlines()[0][:DETAIL_LIMIT]
    if isinstance(report.longrepr, tuple):  # of a skip: file, line, and what was said
        told = SKIPPED.sub("", str(report.longrepr[-1]), count=1)
        return " ".join(told.split())[:DETAIL_LIMIT]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else str(report.longrepr or "")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return (lines[0] if crash is not None else lines[-1])[:DETAIL_LIMIT]


def format_exception(excinfo: Any, root: str) -> str:
    """What Python prints of an exception, from where the repository's own code begins."""
    place = excinfo.tb
    while place and place.tb_next and not place.tb_frame.f_code.co_filename.startswith(root):
        place = place.tb_next
    try:
        text = "".join(traceback.format_exception(excinfo.type, excinfo.value, place))
    except Exception:
        return ""
    return text.replace(root, "")[-REPORT_LIMIT:]

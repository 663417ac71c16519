"""Which lines of the tree are run, which of its files are opened, and what stays hidden."""

from __future__ import annotations

import contextlib
import dis
import linecache
import os
import sys
import tempfile
import threading
import time
import types
from typing import Any

from .places import ARCHIVE, TreePaths
from .subprocesses import FORKING, SITE, STARTING, WATCHED, is_watched_python

INTROSPECTED = ("__code__", "__defaults__", "__kwdefaults__")
NOTHING_NEW = 3000
"""Known lines that a function may run in a row until all of its lines count as run."""


def watch_this_process() -> None:
    """Note what this process runs, which a watched test has started."""
    folder, _, root = os.environ[WATCHED].partition(os.pathsep)
    watcher = LineWatcher(root)
    watcher.start()
    watcher.write_to(folder, "started")


class LineWatcher:
    """Notes which lines of the tree are run, which of its files are opened, and what is hidden."""

    def __init__(self, root: str) -> None:
        self.root = os.path.join(os.path.realpath(root), "")
        self.inside = TreePaths(root).inside
        self.totals: dict[int, tuple[Any, frozenset[int]]] = {}
        self.on = False
        self.report: Any = None
        self.folder = ""
        self.clear()
        # A hook of audit can never be taken off: ``on`` says whether it listens.
        sys.addaudithook(self.audit)
        os.register_at_fork(after_in_child=self.after_fork)

    def clear(self) -> None:
        """Forget what was noted, but not the lines that code has: to find them is slow."""
        self.tracers: dict[int, Any] = {}
        self.trace = self.make_trace(self.tracers)
        self.code: dict[int, Any] = {}
        self.lines: dict[int, set[int]] = {}
        self.opened: set[str] = set()
        self.introspected: dict[int, Any] = {}
        self.opaque = self.hidden = False
        self.expected = 0

    def prepare_children(self) -> None:
        """Let programs that are started from here note what they run."""
        base = tempfile.mkdtemp(prefix="watch-")
        self.folder = os.path.join(base, "notes")
        os.mkdir(self.folder)
        site = os.path.join(base, "site")
        os.mkdir(site)
        with open(os.path.join(site, "sitecustomize.py"), "w") as file:
            file.write(SITE % {"name": WATCHED, "archive": ARCHIVE, "package": __package__})
        paths = [site, *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        os.environ[WATCHED] = self.folder + os.pathsep + self.root

    def write_to(self, folder: str, kind: str) -> None:
        """Write down from now on what is noted, at once: a process may be killed."""
        name = "%s-%d-%d" % (kind, os.getpid(), time.monotonic_ns())
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        notes = os.open(os.path.join(folder, name), flags, 0o600)

        def report(what: str, path: str, number: int = 0) -> None:
            with contextlib.suppress(OSError):
                os.write(notes, ("%s\t%s\t%d\n" % (what, path, number)).encode("utf-8"))

        self.report = report

    def after_fork(self) -> None:
        """Write down what a fork runs: nobody could ask it."""
        if self.on and self.folder:
            self.tracers.clear()
            self.write_to(self.folder, "forked")

    def start(self) -> None:
        """Begin to note."""
        self.clear()
        # What another test has read already would not be opened again.
        linecache.clearcache()
        self.on = True
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def stop(self) -> None:
        """End it. A test that took our trace away (a debugger, coverage) ran unseen since."""
        self.hidden = sys.gettrace() != self.trace
        self.opaque = self.opaque or self.hidden
        sys.settrace(None)
        threading.settrace(None)
        self.on = False

    def make_trace(self, tracers: dict[int, Any]) -> Any:
        """What notes code that is entered; code outside the tree is not looked into."""

        def trace(frame: Any, event: str, argument: Any) -> Any:
            try:
                return tracers[id(frame.f_code)]
            except KeyError:
                tracer = tracers[id(frame.f_code)] = self.make_tracer(frame.f_code)
                return tracer

        return trace

    def make_tracer(self, code: Any) -> Any:
        """What notes the lines of code, by its address: to compare code is slow."""
        if id(code) not in self.totals:
            inside = bool(self.inside(code.co_filename))
            # Code is kept beside its lines, so that no other can come to lie at its address.
            found = [line for _, line in dis.findlinestarts(code) if line] if inside else []
            self.totals[id(code)] = (code, frozenset(found))
        total = self.totals[id(code)][1]
        if not self.inside(code.co_filename):
            return None
        self.code[id(code)] = code
        path = self.inside(code.co_filename)
        if self.report is not None:
            self.report("code", path, code.co_firstlineno)
        lines: set[int] = set()
        self.lines[id(code)] = lines
        tracers, left = self.tracers, [NOTHING_NEW]

        def tracer(frame: Any, event: str, argument: Any) -> Any:
            line = frame.f_lineno
            if line not in lines:
                if event == "line":
                    lines.add(line)
                    left[0] = NOTHING_NEW
                    if self.report is not None:  # asked anew: this may go on in a fork
                        self.report("lines", path, line)
            else:
                # To go on tracing a loop that shows nothing new would slow tests many times,
                # until they hit their time limit. To claim all lines errs to the safe side: a
                # test too many is run.
                left[0] -= 1
                if left[0] < 0:
                    if self.report is not None:
                        for each in total - lines:
                            self.report("lines", path, each)
                    lines.update(total)
                    tracers[id(code)] = None
                    return None
            return tracer

        return tracer

    def audit(self, event: str, arguments: Any) -> None:
        """Take an event (https://docs.python.org/3/library/audit_events.html)."""
        if not self.on:
            return
        if event == "open":
            if isinstance(arguments[0], str):
                if self.report is not None and arguments[0] not in self.opened:
                    self.report("opened", os.path.abspath(arguments[0]))
                self.opened.add(arguments[0])
        elif event == "object.__getattr__":
            if type(arguments[0]) is types.FunctionType and arguments[1] in INTROSPECTED:
                self.note_introspection(arguments[0])
        elif event in STARTING:
            program, given, env = (arguments[place] for place in STARTING[event])
            self.note_start(program, given, os.environ if env is None else env)
        elif event == "os.system" or (event in FORKING and not self.folder):
            self.note_opaque()

    def note_start(self, program: Any, arguments: Any, env: Any) -> None:
        """Expect to hear of a program, or know that nothing will be heard."""
        # What is looked up here raises events itself.
        self.on = False
        try:
            given = {os.fsdecode(name): os.fsdecode(value) for name, value in dict(env).items()}
            paths = given.get("PYTHONPATH", "").split(os.pathsep)
            site = os.path.join(os.path.dirname(self.folder), "site")
            hears = bool(self.folder) and WATCHED in given and site in paths
            if hears and is_watched_python(program, arguments):
                self.expected += 1
                if self.report is not None:
                    self.report("expected", "")
                return
        finally:
            self.on = True
        self.note_opaque()

    def note_opaque(self) -> None:
        """Remember that something ran which cannot be seen: the test may run any line."""
        self.opaque = True
        if self.report is not None:
            self.report("opaque", "")

    def note_introspection(self, function: Any) -> None:
        """Note who reads code or defaults of a function, which a swap would show it changed.

        Doctest and pytest look at every function for their own ends.
        """
        caller: Any = sys._getframe(2)
        while caller is not None and caller.f_globals.get("__name__") in ("inspect", "functools"):
            caller = caller.f_back
        name = str(caller.f_globals.get("__name__")) if caller is not None else ""
        if name != "doctest" and not name.startswith("_pytest."):
            if self.report is not None:
                self.on = False
                code = function.__code__
                self.on = True
                self.report("introspected", self.inside(code.co_filename), code.co_firstlineno)
            self.introspected[id(function)] = function

    def summarize(self) -> dict[str, Any]:
        """What was noted: lines as bits of a number, in hexadecimal digits, by file."""
        code: dict[str, int] = {}
        lines: dict[str, int] = {}
        introspected: dict[str, int] = {}
        for address, each in self.code.items():
            path = self.inside(each.co_filename)
            code[path] = code.get(path, 0) | 1 << each.co_firstlineno
            mask = 0
            for line in self.lines[address]:
                mask |= 1 << line
            lines[path] = lines.get(path, 0) | mask
        for function in self.introspected.values():
            path = self.inside(function.__code__.co_filename)
            if path:
                line = function.__code__.co_firstlineno
                introspected[path] = introspected.get(path, 0) | 1 << line
        self.read_notes({"code": code, "lines": lines, "introspected": introspected})
        return {
            "code": encode_masks(code),
            "lines": encode_masks(lines),
            "introspected": encode_masks(introspected),
            "opened": sorted(self.list_opened_files()),
            "opaque": self.opaque,
        }

    def read_notes(self, masks: dict[str, dict[str, int]]) -> None:
        """Add what processes have noted that were started or forked."""
        heard = 0
        for name in os.listdir(self.folder) if self.folder else ():
            heard += name.startswith("started-")
            with open(os.path.join(self.folder, name), errors="replace") as file:
                rows = [line.rstrip("\n").split("\t") for line in file]
            for row in rows:
                if len(row) != 3 or not row[2].isdigit():
                    continue
                what, path, number = row[0], row[1], int(row[2])
                if what == "opened":
                    self.opened.add(path)
                elif what == "expected":
                    self.expected += 1
                elif what == "opaque":
                    self.opaque = True
                elif path and what in masks:
                    masks[what][path] = masks[what].get(path, 0) | 1 << number
        self.opaque = self.opaque or heard < self.expected

    def list_opened_files(self) -> set[str]:
        """Files of the tree; who opens a compiled file has imported its source."""
        found = {path for name in self.opened for path in [self.inside(name)] if path}
        for path in list(found):
            folder, name = os.path.split(path)
            if os.path.basename(folder) == "__pycache__":
                found.add(os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py"))
        return found


def encode_masks(masks: dict[str, int]) -> dict[str, str]:
    """Write numbers as digits: they have a bit for each line, more than JSON's readers take."""
    return {path: "%x" % mask for path, mask in masks.items()}

"""The session of the unbroken code that is held: collected once, and forked for each run."""

from __future__ import annotations

import contextlib
import gc
import inspect
import json
import os
import socket
import stat
import sys
import tempfile
from typing import Any

from .environment import make_environment
from .forker import serve_forks
from .held import receive_message, send_message
from .places import is_of_tree
from .plugin import ReportPlugin
from .processes import forbid_ptrace, has_other_threads, list_children, prefer_oom_kill
from .start import read_config, start_pytest
from .swap import FunctionIndex

OWN_NAME = __name__.partition(".")[0]
NOTHING_ASKED: dict[str, Any] = {
    "tests": None,
    "isolate": False,
    "test_timeout": 0.0,
    "test_timeouts": {},
    "impatient_timeout": None,
    "hung": 0,
    "reports": False,
    "only_files": None,
    "order_seed": None,
}


class HeldSession(ReportPlugin):
    """Holds the collected session of the unbroken code, and runs tests of it in forks."""

    def __init__(self, channel: Any, args: list[str]) -> None:
        ReportPlugin.__init__(self, -1, {**NOTHING_ASKED, "args": args})
        self.channel = channel
        self.places_of: dict[str, list[int]] = {}
        self.captures: list[int] = []
        self.session: Any = None
        self.index = FunctionIndex(self.root)
        self.find_source = inspect.findsource
        inspect.findsource = self.note_inspection  # type: ignore[assignment]

    def send(self, **message: Any) -> None:
        """Say nothing while the unbroken code is collected."""
        if self.fd >= 0:
            ReportPlugin.send(self, **message)

    def note_inspection(self, found: Any) -> Any:
        """Stand in for ``inspect.findsource``: what reads sources now may keep what it read."""
        caller: Any = sys._getframe(1)
        # pytest asks for the line of each test it finds, and keeps no source of it.
        while caller is not None and caller.f_globals.get("__name__") == "inspect":
            caller = caller.f_back
        if caller is None or not str(caller.f_globals.get("__name__")).startswith("_pytest."):
            with contextlib.suppress(TypeError):
                path = self.index.places.inside(str(inspect.getsourcefile(found) or ""))
                self.index.inspected.add(path)
        return self.find_source(found)

    def pytest_collection_finish(self, session: Any) -> None:
        """Say nothing: the runs do."""

    def pytest_runtestloop(self, session: Any) -> bool:
        """Take requests until the one who asks is gone."""
        # Tests that read sources after this read them in the fork, changed.
        inspect.findsource = self.find_source
        self.session = session
        # Only the collection was to leave compiled code: forks run as fresh processes do.
        os.environ.update(make_environment())
        sys.dont_write_bytecode = True
        why = self.find_unfitness(session.config)
        told = {"why": why, "modules": self.list_outside_modules()}
        said = json.dumps(told).encode("utf-8")
        for place, item in enumerate(self.session.items):
            self.places_of.setdefault(self.find_id(item.nodeid), []).append(place)
        self.index.collect()
        gc.collect()
        gc.freeze()
        send_message(self.channel, said)
        if why:
            os._exit(0)
        serve_forks(self.channel, self.run_held)
        return True

    def find_unfitness(self, config: Any) -> str:
        """Why forks of this process would share more than memory; empty when they do not."""
        if has_other_threads():
            return "a thread is running after collection"
        if list_children():
            return "a process is running after collection"
        if os.listdir(os.environ["TMPDIR"]):
            return "collecting the tests leaves temporary files"
        with open("/proc/self/maps", errors="replace") as file:
            # "s": a mapping that forks write for each other to see (proc(5)).
            if any(line.split(None, 2)[1] == "rw-s" for line in file):
                return "memory is shared after collection"
        captured = self.list_captures(config)
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            try:
                target, mode = os.readlink("/proc/self/fd/" + name), os.fstat(fd).st_mode
            except OSError:
                continue
            # Forks share the position in a file, and what is left in a pipe; /dev/null has none.
            if fd in captured:
                self.captures.append(fd)
            elif not stat.S_ISCHR(mode) and fd != self.channel.fileno():
                return "%s is open after collection" % target
        return ""

    @staticmethod
    def list_captures(config: Any) -> set[int]:
        """Descriptors of the files that pytest captures output in."""
        manager = config.pluginmanager.getplugin("capturemanager")
        capturing = getattr(manager, "_global_capturing", None)
        streams = [getattr(capturing, name, None) for name in ("out", "err")]
        files: list[Any] = [getattr(stream, "tmpfile", None) for stream in streams]
        found = set()
        for file in files:
            if hasattr(file, "fileno"):
                with contextlib.suppress(OSError):  # one in memory has no descriptor
                    found.add(int(file.fileno()))
        return found

    def list_outside_modules(self) -> list[str]:
        """Modules that the tests have loaded, the repository's own left out."""
        root = os.path.join(os.path.realpath(self.root), "")
        return [
            name
            for name, module in list(sys.modules.items())
            if isinstance(getattr(module, "__file__", None), str)
            and not is_of_tree(module, root)
            and name != "__main__"
            and name.partition(".")[0] != OWN_NAME
        ]

    def run_held(self, config_fd: int, report_fd: int) -> None:
        """Run what was asked, in a fork: give the changed functions their code, then run tests."""
        prefer_oom_kill()
        config = read_config(config_fd)
        os.set_inheritable(report_fd, False)
        self.renew_captures()
        ReportPlugin.__init__(self, report_fd, config)
        self.session_of_tests = self.session
        why = self.index.swap(config["swaps"])
        if why:
            self.send(event="cannot-swap", why=why)
            os._exit(0)
        wanted = sorted(
            place for test in self.wanted or () for place in self.places_of.get(test, ())
        )
        items = [self.session.items[place] for place in wanted]
        for item in items:
            self.copies.setdefault(self.find_id(item.nodeid), []).append(item)
        self.send_collected()
        if self.isolate:
            for copies in list(self.copies.values()):
                self.run_in_fork(copies)
        else:
            for place, item in enumerate(items):
                following = items[place + 1] if place + 1 < len(items) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        self.send(event="finished", code=0)
        os._exit(0)

    def renew_captures(self) -> None:
        """Capture in files of its own: an open file is one for all forks."""
        for fd in self.captures:
            with tempfile.TemporaryFile(buffering=0) as file:
                os.dup2(file.fileno(), fd, inheritable=False)


def run_keeper(fd: int) -> None:
    """Collect the unbroken code, then fork for each run that is asked for."""
    forbid_ptrace()
    os.set_inheritable(fd, False)
    channel = socket.socket(fileno=fd)
    told = json.loads(receive_message(channel).decode("utf-8"))
    plugin = HeldSession(channel, told["args"])
    code = start_pytest(told["args"], plugin)
    why = "pytest ended before its tests (%d)" % code
    send_message(channel, json.dumps({"why": why}).encode("utf-8"))
    os._exit(1)

"""Runs a repository's tests inside a sandbox, and says what came of each.

One file without dependencies (Python 3.8 or newer), in two roles:

- ``runner.py serve``: long-lived; reads requests and writes answers as frames (4-byte
  big-endian length, then a JSON object) on descriptors that nothing else holds.
- ``runner.py pytest``: one run in a fresh process, with this file as the pytest plugin;
  outcomes come from pytest's own reports and go through a pipe, never through text.
"""

from __future__ import annotations

import base64
import ctypes
import gc
import json
import os
import select
import shutil
import signal
import stat
import struct
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DETAIL_LIMIT = 300
OUTPUT_LIMIT = 4000
LINE_LIMIT = 1 << 20
BLOCKED_PLUGINS = (
    "cacheprovider",
    "xdist",
    "xdist.looponfail",
    "randomly",
    "random_order",
    "pytest_cov",
    "timeout",
    "rerunfailures",
)


def read_exactly(fd: int, size: int) -> bytes | None:
    """Read ``size`` bytes, or None at the end of the stream."""
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(fd: int) -> dict[str, Any] | None:
    head = read_exactly(fd, 4)
    if head is None:
        return None
    body = read_exactly(fd, struct.unpack(">I", head)[0])
    return None if body is None else json.loads(body.decode("utf-8"))


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_frame(fd: int, frame: dict[str, Any]) -> None:
    body = json.dumps(frame).encode("utf-8")
    write_all(fd, struct.pack(">I", len(body)) + body)


class Tree:
    """The work tree as it was at the start, kept in memory so that it can be put back."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files: dict[str, tuple[Any, Any]] = {}
        self.stats: dict[str, tuple[int, ...]] = {}
        for path in self.walk():
            self.files[path] = self.load(path)
            self.stats[path] = self.signature(path)

    def walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f != ".git"]
            links = [f for f in folders if os.path.islink(os.path.join(folder, f))]
            for name in names + links:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def load(self, path: str) -> tuple[Any, Any]:
        full = os.path.join(self.root, path)
        mode = os.lstat(full).st_mode
        if stat.S_ISLNK(mode):
            return ("link", os.readlink(full))
        if not stat.S_ISREG(mode):
            return ("other", "")
        with open(full, "rb") as file:
            return (stat.S_IMODE(mode), file.read())

    def signature(self, path: str) -> tuple[int, ...]:
        found = os.lstat(os.path.join(self.root, path))
        return (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)

    def write(self, path: str, data: bytes | None) -> None:
        """Write a file, or delete it when ``data`` is None. Raises ValueError outside the tree."""
        full = os.path.normpath(os.path.join(self.root, path))
        inside = os.path.realpath(os.path.dirname(full)) + os.sep
        if os.path.isabs(path) or not inside.startswith(os.path.realpath(self.root) + os.sep):
            raise ValueError("path outside the work tree: %r" % path)
        remove(full)
        if data is None:
            return
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(data)
        kept = self.files.get(path)
        if kept is not None and isinstance(kept[0], int):
            os.chmod(full, kept[0])

    def restore(self) -> bool:
        """Put everything back. Returns whether the tree is as it was."""
        try:
            present = set(self.walk())
            for path in present - set(self.files):
                remove(os.path.join(self.root, path))
            for path, kept in self.files.items():
                if path not in present or self.signature(path) != self.stats[path]:
                    if path not in present or self.load(path) != kept:
                        self.put_back(path, kept)
                    self.stats[path] = self.signature(path)
            self.drop_empty_folders()
            return True
        except OSError:
            return False

    def put_back(self, path: str, kept: tuple[Any, Any]) -> None:
        full = os.path.join(self.root, path)
        remove(full)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if kept[0] == "link":
            os.symlink(kept[1], full)
        elif kept[0] != "other":
            with open(full, "wb") as file:
                file.write(kept[1])
            os.chmod(full, kept[0])

    def drop_empty_folders(self) -> None:
        kept = {os.path.dirname(path) for path in self.files}
        for folder, folders, names in os.walk(self.root, topdown=False):
            if ".git" in folder.split(os.sep) or names or folders:
                continue
            relative = os.path.relpath(folder, self.root)
            if relative != "." and relative not in kept:
                try:
                    os.rmdir(folder)
                except OSError:
                    return


def remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def adopt_orphans() -> None:
    """Make daemons that tests leave behind our children, so that they can be found and killed."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return


def children() -> list[int]:
    """Ids of the living child processes of this one."""
    found = []
    me = str(os.getpid())
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    text = file.read()
            except OSError:
                continue
            if text.rpartition(")")[2].split()[1] == me:
                found.append(int(name))
    return found


def reap_all() -> None:
    """Kill whatever the run left behind, daemons included."""
    for _ in range(50):
        left = children()
        if not left:
            return
        for pid in left:
            kill(pid)
        for pid in left:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue


def kill(pid: int) -> None:
    for call in (os.killpg, os.kill):
        try:
            call(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


class Child:
    """A pytest process and the pipe it reports through."""

    def __init__(self, config: dict[str, Any], env: dict[str, str]) -> None:
        self.folder = tempfile.mkdtemp(prefix="run-")
        read_end, write_end = os.pipe()
        config_read, config_write = os.pipe()
        self.output = os.path.join(self.folder, "output")
        env = dict(env, TMPDIR=self.folder)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.become_pytest(read_end, write_end, config_read, config_write, env)
            finally:
                os._exit(127)
        os.close(write_end)
        os.close(config_read)
        write_thread = threading.Thread(target=feed, args=(config_write, config), daemon=True)
        write_thread.start()
        self.pipe = read_end
        self.buffer = b""
        self.ended = False

    def become_pytest(
        self,
        read_end: int,
        write_end: int,
        config_read: int,
        config_write: int,
        env: dict[str, str],
    ) -> None:
        os.setsid()
        os.close(read_end)
        os.close(config_write)
        null = os.open(os.devnull, os.O_RDONLY)
        output = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.set_inheritable(write_end, True)
        os.set_inheritable(config_read, True)
        command = [
            sys.executable,
            os.path.abspath(__file__),
            "pytest",
            str(config_read),
            str(write_end),
        ]
        os.execve(sys.executable, command, env)

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """Yield what came within ``timeout`` seconds; sets ``ended`` at the end of the pipe."""
        ready, _, _ = select.select([self.pipe], [], [], max(0.0, timeout))
        if not ready:
            return []
        data = os.read(self.pipe, 1 << 16)
        if not data:
            self.ended = True
            return []
        lines = (self.buffer + data).split(b"\n")
        self.buffer = lines.pop()
        if len(self.buffer) > LINE_LIMIT:
            self.buffer = b""
        return [message for message in map(parse, lines) if message]

    def close(self) -> str:
        """Kill it with all it started; return the end of its output."""
        kill(self.pid)
        reap_all()
        os.close(self.pipe)
        tail = ""
        try:
            with open(self.output, "rb") as file:
                file.seek(max(0, os.path.getsize(self.output) - OUTPUT_LIMIT))
                tail = file.read().decode("utf-8", "replace")
        except OSError:
            tail = ""
        shutil.rmtree(self.folder, ignore_errors=True)
        return tail


def feed(fd: int, config: dict[str, Any]) -> None:
    try:
        write_all(fd, json.dumps(config).encode("utf-8"))
    except BrokenPipeError:
        return
    finally:
        os.close(fd)


def parse(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


class Request:
    """One ``run`` request: outcomes are sent as they are known, each test once."""

    def __init__(self, frame: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        self.send = send
        self.args = [str(arg) for arg in frame.get("args", ())]
        self.test_timeout = float(frame["test_timeout"])
        self.deadline = time.monotonic() + float(frame["total_timeout"])
        self.isolate = bool(frame.get("isolate"))
        self.wanted = frame.get("tests")
        self.stop_after = frame.get("stop_after_red")
        self.hang_limit = frame.get("hang_limit")
        self.hung = 0
        self.collected: list[str] | None = None
        self.reported: dict[str, str] = {}
        self.red = 0
        self.errors: list[list[str]] = []
        self.exhausted = False
        self.stopped = False
        self.tail = ""

    def run(self) -> None:
        self.process(self.wanted, self.isolate)
        if self.collected is None or self.exhausted or self.stopped:
            return
        left = [test for test in self.collected if test not in self.reported]
        while left and not self.exhausted and not self.stopped:
            before = len(self.reported)
            self.process(left, True)
            left = [test for test in left if test not in self.reported]
            if len(self.reported) == before:
                self.report(left[0], "crashed", 0.0, "the process died before the test reported")
                left = left[1:]

    def process(self, tests: list[str] | None, isolate: bool) -> None:
        """Run one pytest process to its end, its death or a time limit."""
        config = {
            "args": self.args,
            "tests": tests,
            "isolate": isolate,
            "test_timeout": self.test_timeout,
        }
        child = Child(config, environment())
        running, since = None, time.monotonic()
        limit = self.test_timeout + (5.0 if isolate else 0.0)
        finished = False
        try:
            while not (child.ended or finished or self.stopped or self.exhausted):
                now = time.monotonic()
                if now >= self.deadline:
                    self.exhausted = True
                    return
                if running is not None and now - since >= limit:
                    self.report(running, "timeout", now - since, "no end within the time limit")
                    return
                wait = self.deadline - now
                if running is not None:
                    wait = min(wait, limit - (now - since))
                for message in child.messages(min(wait, 1.0)):
                    kind = message.get("event")
                    since = time.monotonic()
                    if kind == "start":
                        running = message.get("test")
                    elif kind == "finished":
                        finished = True
                    else:
                        running = self.take(kind, message, running)
            if running is not None and not (finished or self.stopped or self.exhausted):
                self.report(running, "crashed", 0.0, "the process died in this test")
        finally:
            tail = child.close()
            if not finished:
                self.tail = tail

    def take(self, kind: Any, message: dict[str, Any], running: str | None) -> str | None:
        if kind == "collected":
            if self.collected is None:
                self.collected = [str(test) for test in message["tests"]]
                self.send({"event": "collected", "tests": self.collected})
        elif kind == "collect-error":
            self.errors.append([str(message["path"]), str(message["detail"])[-DETAIL_LIMIT:]])
        elif kind == "outcome":
            self.report(message["test"], message["outcome"], message["seconds"], message["detail"])
            return None
        return running

    def report(self, test: str, outcome: str, seconds: float, detail: str) -> None:
        if test in self.reported:
            return
        self.reported[test] = outcome
        self.send(
            {
                "event": "outcome",
                "test": test,
                "outcome": outcome,
                "seconds": round(float(seconds), 6),
                "detail": str(detail)[:DETAIL_LIMIT],
            }
        )
        self.red += outcome in ("failed", "error", "timeout", "crashed")
        self.hung += outcome == "timeout"
        if self.stop_after is not None and self.red > self.stop_after:
            self.stopped = True
        if self.hang_limit is not None and self.hung > self.hang_limit:
            self.exhausted = True


def environment() -> dict[str, str]:
    env = dict(os.environ)
    env.update(PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPYCACHEPREFIX"):
        env.pop(name, None)
    return env


class Server:
    """Answers requests until the other side is gone."""

    def __init__(self) -> None:
        self.source, self.target = private_channel()
        self.tree = Tree(os.getcwd())

    def serve(self) -> None:
        adopt_orphans()
        write_frame(self.target, {"event": "ready", "python": list(sys.version_info[:3])})
        while True:
            frame = read_frame(self.source)
            if frame is None:
                return
            operations = {"run": self.run, "compile": self.compile}
            operations[frame["op"]](frame)

    def run(self, frame: dict[str, Any]) -> None:
        request = Request(frame, lambda message: write_frame(self.target, message))
        error = ""
        try:
            for path, data in frame.get("files", {}).items():
                self.tree.write(path, None if data is None else base64.b64decode(data))
            request.run()
        except (OSError, ValueError) as problem:
            error = str(problem)
        finally:
            reap_all()
            restored = self.tree.restore()
        write_frame(
            self.target,
            {
                "event": "done",
                "mode": "fresh",
                "collect_errors": request.errors[:50],
                "exhausted": request.exhausted,
                "stopped": request.stopped,
                "restored": restored,
                "error": error,
                "tail": request.tail,
            },
        )

    def compile(self, frame: dict[str, Any]) -> None:
        answers = [compiles(source) for source in frame["sources"]]
        write_frame(self.target, {"event": "compiled", "answers": answers})


def compiles(source: str) -> bool:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<candidate>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def private_channel() -> tuple[int, int]:
    """Move the channel off the standard descriptors, so that nothing else can reach it."""
    source, target = os.dup(0), os.dup(1)
    os.set_inheritable(source, False)
    os.set_inheritable(target, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    return source, target


class Plugin:
    """Reports what pytest reports: collection, each test's start, each test's outcome."""

    def __init__(self, fd: int, config: dict[str, Any]) -> None:
        self.fd = fd
        self.wanted = None if config["tests"] is None else set(config["tests"])
        self.isolate = config["isolate"]
        self.test_timeout = config["test_timeout"]
        self.phases: dict[str, list[Any]] = {}
        self.lock = threading.Lock()

    def send(self, **message: Any) -> None:
        with self.lock:
            write_all(self.fd, json.dumps(message).encode("utf-8") + b"\n")

    def pytest_collection_modifyitems(self, session: Any, config: Any, items: list[Any]) -> None:
        if self.wanted is not None:
            gone = [item for item in items if item.nodeid not in self.wanted]
            items[:] = [item for item in items if item.nodeid in self.wanted]
            if gone:
                config.hook.pytest_deselected(items=gone)

    def pytest_collection_finish(self, session: Any) -> None:
        self.send(event="collected", tests=list(dict.fromkeys(i.nodeid for i in session.items)))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.send(event="collect-error", path=report.nodeid, detail=last_line(report))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self.phases[nodeid] = []
        self.send(event="start", test=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.phases.setdefault(report.nodeid, []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        outcome, seconds, detail = combine(self.phases.pop(nodeid, []))
        self.send(event="outcome", test=nodeid, outcome=outcome, seconds=seconds, detail=detail)

    def pytest_runtestloop(self, session: Any) -> bool | None:
        if not self.isolate:
            return None
        if session.config.option.collectonly:
            return True
        gc.freeze()
        for item in session.items:
            self.alone(item)
        return True

    def alone(self, item: Any) -> None:
        """Run one test in a fork of its own, so that no other test has run before it."""
        self.send(event="start", test=item.nodeid)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setpgid(0, 0)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                code = 0
            finally:
                os._exit(code)
        status = wait_for(pid, began + self.test_timeout)
        kill(pid)
        seconds = time.monotonic() - began
        if status is None:
            os.waitpid(pid, 0)
            self.send(
                event="outcome",
                test=item.nodeid,
                outcome="timeout",
                seconds=seconds,
                detail="no end within the time limit",
            )
        elif status != 0:
            self.send(
                event="outcome",
                test=item.nodeid,
                outcome="crashed",
                seconds=seconds,
                detail="the process died in this test (status %d)" % status,
            )


def wait_for(pid: int, deadline: float) -> int | None:
    """Wait for a child; None when it has not ended by the deadline."""
    pause = 0.0005
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return None


def combine(reports: list[Any]) -> tuple[str, float, str]:
    """One outcome out of set-up, call and tear-down: what is red wins over what is not."""
    outcome, detail = "passed", ""
    seconds = sum(report.duration for report in reports)
    if not reports:
        return "error", 0.0, "the test was not run"
    for report in reports:
        if report.failed:
            if outcome not in ("failed", "error"):
                outcome = "failed" if report.when == "call" else "error"
                detail = last_line(report)
        elif report.skipped and outcome == "passed":
            outcome = "xfailed" if hasattr(report, "wasxfail") else "skipped"
            detail = last_line(report)
    return outcome, seconds, detail


def last_line(report: Any) -> str:
    """What failed, in one line, as pytest's own summary has it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else str(report.longrepr or "")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return (lines[0] if crash is not None else lines[-1])[:DETAIL_LIMIT]


def run_pytest(config_fd: int, report_fd: int) -> None:
    with os.fdopen(config_fd, "rb") as file:
        config = json.loads(file.read().decode("utf-8"))
    os.set_inheritable(report_fd, False)
    sys.path[0] = os.getcwd()
    import pytest

    plugin = Plugin(report_fd, config)
    args = ["-o", "addopts=", "--continue-on-collection-errors", "-q", "--tb=short"]
    for name in BLOCKED_PLUGINS:
        args += ["-p", "no:" + name]
    code = pytest.main(args + config["args"], plugins=[plugin])
    plugin.send(event="finished", code=int(code))
    sys.stdout.flush()
    os._exit(0)


def main(argv: list[str]) -> None:
    if argv[1:] == ["serve"]:
        Server().serve()
    elif argv[1:2] == ["pytest"]:
        run_pytest(int(argv[2]), int(argv[3]))
    else:
        sys.exit("usage: runner.py serve")


if __name__ == "__main__":
    main(sys.argv)

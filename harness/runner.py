"""Runs a repository's tests inside a sandbox, and says what came of each.

One file without dependencies (Python 3.8 or newer), in two roles:

- ``runner.py serve [FOLDER ...]``: long-lived; reads requests and writes answers as frames
  (4-byte big-endian length, then a JSON object) on descriptors that nothing else can reach. It
  runs nothing of the repository itself. With folders it is alone in a sandbox of its own: it
  empties them after each run, and kills every process it finds.
- ``runner.py pytest``: one run in a fresh process, with this file as the pytest plugin;
  outcomes come from pytest's own reports and go through a pipe, never through text.
"""

from __future__ import annotations
import __future__

import ast
import base64
import contextlib
import ctypes
import dis
import functools
import gc
import glob
import importlib
import importlib.util
import inspect
import itertools
import json
import linecache
import os
import random
import re
import select
import shutil
import signal
import socket
import stat
import struct
import sys
import tempfile
import threading
import time
import traceback
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DETAIL_LIMIT = 300
GRACE = 5.0
"""Seconds more than a test's own limit, when the process that forks tests watches it."""
TIMED_OUT = "no end within the time limit"
OUTPUT_LIMIT = 4000
REPORT_LIMIT = 4000
SCRIPT = "reproduce.py"
SCRIPT_OUTPUT_LIMIT = 8000
LINE_LIMIT = 1 << 20
HELD_START = 120.0
"""Seconds for loading what runs share, and for collecting the unbroken code."""
KEEPER_AGE = 600.0
"""Seconds until the code is collected anew: what tests hold of the time must not grow old."""
KEEPERS_LOST = 3
SECOND = 1_000_000_000
"""In nanoseconds."""
DIGITS = re.compile(r"[0-9a-f]+\Z")
COMPILED = re.compile(r"(^|/)__pycache__/[^/]+\.pyc$")
WITH_BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""The unbroken code is compiled once; who imports it later finds it so, until its file changes."""
NO_SWAP = -1
"""Stands for an exit code where the changed functions could not be given their new code."""
MODULES_LIMIT = 2000
MESSAGE_LIMIT = 1 << 17
FAKETIME = (
    "/usr/lib/*/faketime/libfaketime.so.1",
    "/usr/lib*/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
)
PATIENCE = 2
"""Tests that may hang before the others are given less time, where that is asked for."""
REAPING_ROUNDS = 200
SETTINGS_OF_BLOCKED = (
    "cache_dir",
    "looponfailroots",
    "reruns",
    "reruns_delay",
    "rsyncdirs",
    "rsyncignore",
    "session_timeout",
    "timeout",
    "timeout_disable_debugger_detection",
    "timeout_func_only",
    "timeout_method",
)
MARKS_OF_BLOCKED = ("flaky", "no_cover", "random_order", "timeout", "xdist_group")
HOOKS_OF_BLOCKED = {
    "pytest_configure_node": "node",
    "pytest_handlecrashitem": "crashitem, report, sched",
    "pytest_testnodedown": "node, error",
    "pytest_testnodeready": "node",
    "pytest_timeout_cancel_timer": "item",
    "pytest_timeout_set_timer": "item, settings",
    "pytest_xdist_auto_num_workers": "config",
    "pytest_xdist_getremotemodule": "",
    "pytest_xdist_make_scheduler": "config, log",
    "pytest_xdist_newgateway": "gateway",
    "pytest_xdist_node_collection_finished": "node, ids",
    "pytest_xdist_rsyncfinish": "source, gateways",
    "pytest_xdist_rsyncstart": "source, gateways",
    "pytest_xdist_setupnodes": "config, specs",
}
"""Their names and arguments: to import the plugins for them would make pytest warn."""
FIXTURES_OF_BLOCKED = {
    "cov": None,
    "no_cover": None,
    "testrun_uid": "0" * 32,
    "worker_id": "master",
}
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
    """The work tree as it was at the start, kept in memory so that it can be put back.

    Folders, their modes and git's own files belong to it: what one bug's tests leave there
    the next bug's tests could see.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.folders: dict[str, int] = {}
        self.files: dict[str, tuple[Any, Any]] = {}
        self.stats: dict[str, tuple[int, ...]] = {}
        folders, files = self.scan()
        for path in folders:
            self.folders[path] = self.mode(path)
        for path in files:
            self.files[path] = self.load(path)
            self.stats[path] = self.signature(path)

    def scan(self) -> tuple[list[str], dict[str, tuple[int, ...]]]:
        """List all folders, parents first, and the signatures of all files and links."""
        folders: list[str] = ["."]
        files: dict[str, tuple[int, ...]] = {}
        waiting = [""]
        while waiting:
            base = waiting.pop()
            found = []
            with os.scandir(os.path.join(self.root, base)) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        found.append(base + entry.name)
                    else:
                        files[base + entry.name] = signature(entry.stat(follow_symlinks=False))
            for path in found:
                self.unlock(path)
                waiting.append(path + "/")
            folders += found
        return folders, files

    def unlock(self, path: str) -> None:
        """Open a folder that a test has shut, so that it can be looked into."""
        mode = self.mode(path)
        if mode & 0o700 != 0o700 and mode != self.folders.get(path, mode if self.stats else None):
            os.chmod(os.path.join(self.root, path), mode | 0o700)

    def mode(self, path: str) -> int:
        return stat.S_IMODE(os.lstat(os.path.join(self.root, path)).st_mode)

    def load(self, path: str) -> tuple[Any, Any]:
        full = os.path.join(self.root, path)
        mode = os.lstat(full).st_mode
        if stat.S_ISLNK(mode):
            return ("link", os.readlink(full))
        if not stat.S_ISREG(mode) or not os.access(full, os.R_OK):
            return ("other", "")
        with open(full, "rb") as file:
            return (stat.S_IMODE(mode), file.read())

    def signature(self, path: str) -> tuple[int, ...]:
        return signature(os.lstat(os.path.join(self.root, path)))

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
            self.age(full, self.stats[path][2])

    @staticmethod
    def age(path: str, known: int) -> None:
        """Let a changed file be of another second than before: compiled code goes by that."""
        now = os.stat(path).st_mtime_ns
        if abs(now - known) < 2 * SECOND:
            os.utime(path, ns=(now, known + 3 * SECOND))

    def adopt_bytecode(self) -> bool:
        """Keep compiled files that have come. Returns whether all else is untouched."""
        folders, files = self.scan()
        for path in folders:
            if path not in self.folders and os.path.basename(path) == "__pycache__":
                self.folders[path] = self.mode(path)
        for path in files:
            if path not in self.files and COMPILED.search(path):
                self.files[path], self.stats[path] = self.load(path), files[path]
        return set(folders) == set(self.folders) and files == self.stats

    def restore(self) -> bool:
        """Put everything back. Returns whether the tree is as it was."""
        try:
            folders, files = self.scan()
            for path in files:
                if path not in self.files:
                    remove(os.path.join(self.root, path))
            for path in reversed(folders):
                if path not in self.folders:
                    os.rmdir(os.path.join(self.root, path))
            for path in self.folders:
                os.makedirs(os.path.join(self.root, path), exist_ok=True)
            changed = [path for path in self.files if files.get(path) != self.stats[path]]
            spoilt = [path for path in changed if not self.put_back(path, path in files)]
            for path, mode in self.folders.items():
                if self.mode(path) != mode:
                    os.chmod(os.path.join(self.root, path), mode)
            return not spoilt
        except OSError:
            return False

    def put_back(self, path: str, present: bool) -> bool:
        """Put one file back that may have changed. Returns whether it is as it was."""
        kept = self.files[path]
        if not present or self.load(path) != kept:
            full = os.path.join(self.root, path)
            remove(full)
            if kept[0] == "link":
                os.symlink(kept[1], full)
            elif kept[0] != "other":
                with open(full, "wb") as file:
                    file.write(kept[1])
                os.chmod(full, kept[0])
                os.utime(full, ns=(self.stats[path][2], self.stats[path][2]))
        self.stats[path] = self.signature(path)
        return kept[0] != "other" and self.load(path) == kept


def signature(found: os.stat_result) -> tuple[int, ...]:
    """What tells that a file was touched."""
    return (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def remove(path: str) -> None:
    """Remove a file, link or folder. Raises OSError when something of it stays."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


class Scratch:
    """Folders for temporary files, where they are ours alone: what a run leaves there goes."""

    def __init__(self, folders: list[str]) -> None:
        self.kept = {folder: set(os.listdir(folder)) for folder in folders}

    def clear(self) -> bool:
        """Empty the folders. Returns whether nothing stayed."""
        done = True
        for folder, kept in self.kept.items():
            for name in set(os.listdir(folder)) - kept:
                try:
                    open_folders(os.path.join(folder, name))
                    remove(os.path.join(folder, name))
                except OSError:
                    done = False
        return done


def open_folders(path: str) -> None:
    """Make closed folders ours to remove."""
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
        for folder, names, _ in os.walk(path):
            for name in names:
                full = os.path.join(folder, name)
                if not os.path.islink(full):
                    os.chmod(full, 0o700)


def remove_shared_memory() -> None:
    """Remove what System V's calls left: it outlives the process that made it."""
    libc = ctypes.CDLL(None, use_errno=True)
    calls: dict[str, Callable[[int], Any]] = {
        "shm": lambda number: libc.shmctl(number, 0, None),
        "msg": lambda number: libc.msgctl(number, 0, None),
        "sem": lambda number: libc.semctl(number, 0, 0),
    }
    for kind, call in calls.items():
        try:
            with open("/proc/sysvipc/" + kind) as file:
                rows = file.read().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            call(int(row.split()[1]))


def harden() -> None:
    """Let no other process of this user look into this one, or write where it writes."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(4, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return


def die_first() -> None:
    """When memory runs out, the kernel is to take the tests and not their runner."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        return


def adopt_orphans() -> None:
    """Make daemons that tests leave behind our children, so that they can be found and killed."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return


def children() -> list[int]:
    """Ids of the living child processes of this one, the one that forks for us left out."""
    found = []
    me = str(os.getpid())
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            if text.rpartition(")")[2].split()[1:2] == [me] and int(name) not in SPARED:
                found.append(int(name))
    return found


SPARED: set[int] = set()
"""Processes of ours that outlive a run."""
ALONE = False
"""Whether every process that we may kill is one that a run started."""


def reap_all() -> bool:
    """Kill whatever the run left behind, daemons included. Returns whether nothing is left.

    Alone in a sandbox one call kills all at once, so that none can start another in between.
    """
    for _ in range(REAPING_ROUNDS):
        left = children()
        if ALONE:
            if not kill_everyone() and not left:
                return True
        elif not left:
            return True
        for pid in left:
            kill(pid)
        for pid in left:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue
        if not left:
            time.sleep(0.01)
    return False


def kill_everyone() -> bool:
    """Kill every process but this one and those spared. Returns whether there was any.

    Where none is spared one call does it. Else all are stopped first, round after round, until
    no new one appears: a stopped process starts no other.
    """
    if not SPARED:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True
    stopped: set[int] = set()
    for _ in range(REAPING_ROUNDS):
        found = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        new = found - stopped - SPARED - {1, os.getpid()}
        if not new:
            break
        for pid in new:
            send_signal(pid, signal.SIGSTOP)
        stopped |= new
    for pid in stopped:
        send_signal(pid, signal.SIGKILL)
    return bool(stopped)


def is_gone(pid: int) -> bool:
    """Say whether there is no such process, or nothing left of it but its name."""
    try:
        with open("/proc/%d/stat" % pid, errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return True


def await_end(pid: int) -> None:
    """Wait until a process that was killed is gone; it is another's child."""
    pause = 0.0002
    end = time.monotonic() + GRACE
    while not is_gone(pid) and time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.01)


def send_signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill(pid: int, group_only: bool = False) -> None:
    for call in (os.killpg,) if group_only else (os.killpg, os.kill):
        try:
            call(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


class Child:
    """A pytest process and the pipe it reports through."""

    def __init__(self, config: dict[str, Any], env: dict[str, str], held: Any = None) -> None:
        self.folder = tempfile.mkdtemp(prefix="run-")
        read_end, write_end = os.pipe()
        config_read, config_write = os.pipe()
        self.output = os.path.join(self.folder, "output")
        env = dict(env, TMPDIR=self.folder)
        self.pid = 0
        if held is not None:
            self.pid = held.fork(config_read, write_end, self.output, self.folder)
        self.forked = bool(self.pid)
        self.pid = self.pid or os.fork()
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
        self.reaped = False

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
            self.ended = self.is_dead()
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

    def is_dead(self) -> bool:
        """Say whether it died while something it started still holds the pipe."""
        if not self.reaped and self.forked:
            self.reaped = is_gone(self.pid)
        elif not self.reaped:
            self.reaped = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return self.reaped

    def close(self) -> str:
        """Kill it with all it started; return the end of its output."""
        kill(self.pid, group_only=self.reaped)
        if self.forked:
            await_end(self.pid)
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


class Held:
    """A process that is kept ready, and forks for each run; started by ``role``.

    - ``forker`` has pytest and third-party modules loaded, and nothing of the repository: what a
      change could have altered is imported in the fork.
    - ``keeper`` has collected the unbroken code, and runs none of it after that: in the fork the
      functions that changed are given their new code.
    """

    def __init__(self, role: str, told: dict[str, Any], env: dict[str, str]) -> None:
        self.pid = 0
        self.socket: Any = None
        self.why = ""
        self.modules: list[str] = []
        self.since = time.monotonic()
        if not hasattr(socket, "send_fds"):
            self.why = "this Python hands no descriptors over"
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.folder = tempfile.mkdtemp(prefix="held-")
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.set_inheritable(theirs.fileno(), True)
                null = os.open(os.devnull, os.O_RDWR)
                for standard in (0, 1, 2):
                    os.dup2(null, standard)
                script = os.path.abspath(__file__)
                command = [sys.executable, script, role, str(theirs.fileno())]
                os.execve(sys.executable, command, dict(env, TMPDIR=self.folder))
            finally:
                os._exit(127)
        theirs.close()
        self.socket = ours
        SPARED.add(self.pid)
        self.socket.send(json.dumps(told).encode("utf-8"))
        self.begin(self.answer(HELD_START))

    def begin(self, answer: bytes) -> None:
        try:
            said = json.loads(answer.decode("utf-8"))
        except ValueError:
            said = {"why": "it could not be started"}
        self.why = str(said.get("why", ""))
        self.modules = [str(name) for name in said.get("modules", ())]
        if self.why:
            self.close()

    def answer(self, timeout: float) -> bytes:
        self.socket.settimeout(timeout)
        try:
            return bytes(self.socket.recv(MESSAGE_LIMIT))
        except OSError:
            return b""

    def fork(self, config_read: int, report: int, output: str, folder: str) -> int:
        """Start a run; return its process, or 0 when that cannot be done."""
        if self.socket is None:
            return 0
        try:
            told = json.dumps([output, folder]).encode("utf-8")
            socket.send_fds(self.socket, [told], [config_read, report])
        except OSError:
            self.close()
            return 0
        answer = self.answer(GRACE)
        if not answer.isdigit() or not int(answer):
            self.close()
            return 0
        return int(answer)

    def close(self) -> None:
        """End it; runs are started in another way from here on."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        if self.pid:
            SPARED.discard(self.pid)
            kill(self.pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.pid = 0
            shutil.rmtree(self.folder, ignore_errors=True)


class Stable:
    """The processes that are held ready, each started when it is first of use."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.forker: Any = None
        self.keeper: Any = None
        self.args: list[str] = []
        self.refused = ""
        self.lost = 0

    def of(self, mode: str, args: list[str]) -> list[tuple[str, Any]]:
        """What may fork a run that asks for ``mode``, the fastest first."""
        found = []
        if mode == "swap":
            found.append(("swap", self.ready_keeper(args)))
        if mode in ("swap", "fork"):
            found.append(("fork", self.ready_forker()))
        return [(name, held) for name, held in found if held is not None]

    def ready_keeper(self, args: list[str]) -> Any:
        keeper = self.keeper
        if args != self.args:
            self.refused, self.lost = "", 0
        if keeper is not None and keeper.socket is None and not keeper.why:
            self.lost += 1
            if self.lost > KEEPERS_LOST:
                self.refused = "the session that is held was lost too often"
        aged = keeper is not None and time.monotonic() - keeper.since > KEEPER_AGE
        if keeper is not None and (aged or args != self.args or keeper.socket is None):
            keeper.close()
            keeper = self.keeper = None
        if keeper is None and not self.refused:
            self.args = list(args)
            keeper = Held("keeper", {"args": args}, {**environment(), **WITH_BYTECODE})
            if not self.tree.adopt_bytecode() and not keeper.why:
                keeper.why = "collecting the tests writes into the tree"
                keeper.close()
            self.keeper = keeper
            self.refused = keeper.why
        return None if self.refused else keeper

    def ready_forker(self) -> Any:
        forker = self.forker
        if forker is not None and forker.socket is None and not forker.why:
            self.lost += 1
            forker = None if self.lost <= KEEPERS_LOST else forker
        if forker is None:
            modules = self.keeper.modules if self.keeper is not None else []
            forker = Held("forker", {"modules": modules}, environment())
            if forker.why and modules:
                forker = Held("forker", {"modules": []}, environment())
            self.forker = forker
        return forker if forker.socket is not None else None


def forker_main(fd: int) -> None:
    """Load what runs share, then fork for each that is asked for."""
    harden()
    sys.path[0] = os.getcwd()
    os.set_inheritable(fd, False)
    channel = socket.socket(fileno=fd)
    told = json.loads(channel.recv(MESSAGE_LIMIT).decode("utf-8"))
    preload()
    for name in told["modules"]:
        # The tests import it themselves: what goes wrong here goes wrong again where it counts.
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    root = os.path.join(os.path.realpath(os.getcwd()), "")
    why = "threads" if several_threads() else ""
    if any(of_tree(module, root) for module in list(sys.modules.values())):
        why = "what it loads is the repository's own"
    channel.send(json.dumps({"why": why}).encode("utf-8"))
    gc.collect()
    gc.freeze()
    serve_forks(channel, run_pytest)


def serve_forks(channel: Any, run: Callable[[int, int], Any]) -> None:
    """Fork for each run that is asked for; never returns. Who has died is not waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        told, fds, _, _ = socket.recv_fds(channel, 10000, 2)
        if not told:
            os._exit(0)
        output, folder = json.loads(told.decode("utf-8"))
        channel.send(b"%d" % fork_away(channel, fds, output, folder, run))
        for each in fds:
            os.close(each)


def several_threads() -> bool:
    """Say whether there is a thread besides this one, those that Python does not know included."""
    try:
        known = len(os.listdir("/proc/self/task"))
    except OSError:
        known = 1
    return max(known, threading.active_count()) > 1


def of_tree(module: Any, root: str) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and os.path.realpath(file).startswith(root)


def preload() -> None:
    """Import pytest and its plugins, those of the tree itself left out."""
    from importlib import metadata

    importlib.import_module("pytest")
    root = os.path.join(os.path.realpath(os.getcwd()), "")
    found: Any = metadata.entry_points()
    plugins = found.select(group="pytest11") if hasattr(found, "select") else found["pytest11"]
    for plugin in plugins:
        try:
            spec = importlib.util.find_spec(plugin.value.partition(":")[0].partition(".")[0])
            origin = os.path.realpath(str(spec and spec.origin))
            if plugin.name not in BLOCKED_PLUGINS and not origin.startswith(root):
                plugin.load()
        except Exception:
            continue


def fork_away(
    channel: Any, fds: list[int], output: str, folder: str, run: Callable[[int, int], Any]
) -> int:
    """Fork a run; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            channel.close()
            become_dumpable()
            os.environ["TMPDIR"] = tempfile.tempdir = folder
            written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(written, 1)
            os.dup2(written, 2)
            os.close(written)
            run(fds[0], fds[1])
        finally:
            os._exit(127)
    return child


def become_dumpable() -> None:
    try:
        ctypes.CDLL(None, use_errno=True).prctl(4, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return


def feed(fd: int, config: dict[str, Any]) -> None:
    try:
        write_all(fd, json.dumps(config).encode("utf-8"))
    except BrokenPipeError:
        return
    finally:
        os.close(fd)


MESSAGES: dict[str, dict[str, Any]] = {
    "seen": {
        "test": str,
        "code": dict,
        "lines": dict,
        "introspected": dict,
        "opened": list,
        "opaque": bool,
    },
    "collected": {"tests": list},
    "collect-error": {"path": str, "detail": str},
    "start": {"test": str},
    "outcome": {"test": str, "outcome": str, "seconds": (int, float), "detail": str},
    "cannot-fork": {},
    "cannot-swap": {"why": str},
    "finished": {"code": int},
}
"""What may come through the pipe, and the types of its fields."""


def parse(line: bytes) -> dict[str, Any] | None:
    """Read one line of the pipe; None for anything that is no message: tests can write there."""
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    event = message.get("event") if isinstance(message, dict) else None
    fields = MESSAGES.get(event) if isinstance(event, str) else None
    if fields is None or not all(isinstance(message.get(f), t) for f, t in fields.items()):
        return None
    if event == "seen" and not plain_sight(message):
        return None
    if event == "collected" and not all(isinstance(test, str) for test in message["tests"]):
        return None
    return dict(message)


def plain_sight(message: dict[str, Any]) -> bool:
    """Say whether what a test was seen to run has the types that it must have."""
    masks = [*message["code"].values(), *message["lines"].values()]
    masks += message["introspected"].values()
    return all(isinstance(path, str) for path in message["opened"]) and all(
        isinstance(mask, str) and DIGITS.match(mask) is not None for mask in masks
    )


class Request:
    """One ``run`` request: outcomes are sent as they are known, each test once."""

    def __init__(
        self, frame: dict[str, Any], send: Callable[[dict[str, Any]], None], stable: Stable
    ) -> None:
        self.send = send
        self.path = "fresh"
        self.why = ""
        self.args = [str(arg) for arg in frame.get("args", ())]
        self.mode = str(frame.get("path", {}).get("mode", "fresh"))
        self.swaps = frame.get("path", {}).get("swaps") or []
        self.held = stable.of(self.mode, self.args)
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
        self.reported: dict[str, str] = {}
        self.red = 0
        self.errors: list[list[str]] = []
        self.exhausted = False
        self.stopped = False
        self.forks = True
        self.tail = ""

    def over(self) -> bool:
        return self.exhausted or self.stopped

    def run(self) -> None:
        """Run what was asked; what a dead process left unreported is run again, one by one."""
        if self.mode not in ("fresh", "fork", "swap"):
            raise ValueError("this runner knows no path %r" % self.mode)
        self.process(self.wanted, self.isolate)
        while self.collected is not None and not self.over():
            left = [test for test in self.collected if test not in self.reported]
            if not left:
                return
            if self.forks or self.path == "swap":
                self.process(left, True)
            else:
                self.process(left[:1], False)
            if not self.over() and not any(test in self.reported for test in left):
                self.report(left[0], "crashed", 0.0, "the process died before the test reported")

    def limit(self, running: str | None, collecting: bool) -> float:
        """Seconds that may pass without a word from the process."""
        if collecting:
            return self.collect_timeout
        limit = float(self.test_timeouts.get(running, self.test_timeout))
        return min(limit, self.impatience())

    def impatience(self) -> float:
        """Seconds that any test may take, now that some have hung."""
        if self.impatient_timeout is None or self.hung < PATIENCE:
            return float("inf")
        return float(self.impatient_timeout)

    def process(self, tests: list[str] | None, isolate: bool) -> None:
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
        for path, held in [*self.held, ("fresh", None)]:
            if path == "swap" and self.mode != "swap":
                continue
            child = Child(config, environment(self.conditions), held)
            self.path = path if child.forked else "fresh"
            if self.one(child, isolate):
                return

    def one(self, child: Child, isolate: bool) -> bool:
        """Follow a process to its end. Returns False when another path has to be taken."""
        code = None
        try:
            code = self.follow(child, isolate)
        finally:
            tail = child.close()
            if code not in (0, 1, 5, NO_SWAP):
                self.tail = tail
        if code == NO_SWAP:
            self.mode = "fork"
        return code != NO_SWAP

    def follow(self, child: Child, isolate: bool) -> int | None:
        """Take what the process reports; return its exit code, None when it did not finish."""
        running, since, collecting = None, time.monotonic(), True
        while not (child.ended or self.over()):
            now = time.monotonic()
            limit = self.limit(running, collecting) + (GRACE if isolate else 0.0)
            if now >= self.deadline or (collecting and now - since >= limit):
                self.exhausted = True
            elif now - since >= limit:
                if running is not None:
                    self.report(running, "timeout", now - since, TIMED_OUT)
                return None
            for message in child.messages(min(1.0, self.deadline - now, limit - (now - since))):
                kind, since = message["event"], time.monotonic()
                collecting = collecting and kind != "collected"
                if kind == "finished":
                    return int(message["code"])
                if kind == "cannot-swap":
                    self.why = message["why"][:DETAIL_LIMIT]
                    return NO_SWAP
                if kind == "start":
                    running = message["test"]
                elif kind == "outcome":
                    running = None
                self.take(kind, message)
        return None

    def take(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "collected":
            if self.collected is None:
                self.collected = message["tests"]
                self.send({"event": "collected", "tests": self.collected})
        elif kind == "collect-error":
            self.errors.append([message["path"], message["detail"][-DETAIL_LIMIT:]])
        elif kind == "outcome":
            self.report(
                message["test"],
                message["outcome"],
                message["seconds"],
                message["detail"],
                message.get("report", ""),
            )
        elif kind == "cannot-fork":
            self.forks = False
        elif kind == "seen":
            self.send(message)

    def report(
        self, test: str, outcome: str, seconds: float, detail: str, report: Any = ""
    ) -> None:
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


def environment(conditions: dict[str, Any] | None = None) -> dict[str, str]:
    """Return what a process of the tests sees; ``conditions`` are other than usual."""
    conditions = conditions or {}
    env = dict(os.environ)
    env.update(PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
    if conditions.get("hash_seed"):
        env["PYTHONHASHSEED"] = str(int(conditions["hash_seed"]))
    library = faketime() if conditions.get("clock_days") else ""
    if library:
        env.update(
            LD_PRELOAD=library,
            FAKETIME="%+dd" % int(conditions["clock_days"]),
            FAKETIME_DISABLE_SHM="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            FAKETIME_NO_CACHE="1",
        )
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPYCACHEPREFIX"):
        env.pop(name, None)
    return env


def faketime() -> str:
    """Return where the library is that shifts a process's clock; empty where it is not."""
    found = [path for pattern in FAKETIME for path in glob.glob(pattern)]
    return sorted(found)[0] if found else ""


class Server:
    """Answers requests until the other side is gone."""

    def __init__(self, folders: list[str]) -> None:
        self.source, self.target = private_channel()
        self.tree = Tree(os.getcwd())
        self.stable = Stable(self.tree)
        self.scratch = Scratch(folders or list(filter(None, [os.environ.get("TMPDIR")])))

    def serve(self) -> None:
        adopt_orphans()
        harden()
        write_frame(self.target, {"event": "ready", "python": list(sys.version_info[:3])})
        while True:
            frame = read_frame(self.source)
            if frame is None:
                return
            operations = {
                "run": self.run,
                "prepare": self.prepare,
                "compile": self.compile,
                "script": self.script,
            }
            operations[frame["op"]](frame)

    def prepare(self, frame: dict[str, Any]) -> None:
        """Start what runs are forked from, ahead of the first."""
        self.stable.of(str(frame["path"]), [str(arg) for arg in frame["args"]])
        write_frame(self.target, {"event": "prepared", "restored": self.clean()})

    def run(self, frame: dict[str, Any]) -> None:
        request = Request(frame, lambda message: write_frame(self.target, message), self.stable)
        error = ""
        try:
            self.write(frame)
            request.run()
        except (OSError, ValueError) as problem:
            error = str(problem)
        finally:
            restored = self.clean()
        write_frame(
            self.target,
            {
                "event": "done",
                "path": {"mode": request.path, "why": request.why, "forked": request.forks},
                "clock": bool(request.conditions.get("clock_days") and faketime()),
                "collect_errors": request.errors[:50],
                "exhausted": request.exhausted,
                "stopped": request.stopped,
                "restored": restored,
                "error": error,
                "tail": request.tail,
            },
        )

    def write(self, frame: dict[str, Any]) -> None:
        """Write a request's files into the tree."""
        for path, data in frame.get("files", {}).items():
            self.tree.write(path, None if data is None else base64.b64decode(data))

    def clean(self) -> bool:
        """Put everything back as it was before a run. Returns whether that was possible."""
        quiet = reap_all()
        if ALONE:
            remove_shared_memory()
        return self.scratch.clear() and self.tree.restore() and quiet

    def script(self, frame: dict[str, Any]) -> None:
        """Run a script in the tree, as a person would who has it there."""
        error, code, output = "", None, ""
        try:
            self.write(frame)
            name = SCRIPT
            while os.path.lexists(os.path.join(self.tree.root, name)):
                name = "_" + name
            self.tree.write(name, frame["script"].encode("utf-8"))
            code, output = run_script(name, float(frame["timeout"]))
        except (OSError, ValueError) as problem:
            error = str(problem)
        finally:
            restored = self.clean()
        answer = {"event": "script", "exit": code, "output": output, "error": error}
        write_frame(self.target, dict(answer, restored=restored))

    def compile(self, frame: dict[str, Any]) -> None:
        answers = [compiles(source) for source in frame["sources"]]
        write_frame(self.target, {"event": "compiled", "answers": answers})


def run_script(name: str, timeout: float) -> tuple[int | None, str]:
    """Run a script; return its exit code, None when it took too long, and what it printed.

    A signal that ended it is a negative code. The output goes to a file that has no name: who
    runs in there cannot put something else in its place.
    """
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                die_first()
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.execve(sys.executable, [sys.executable, name], environment())
            finally:
                os._exit(127)
        status = wait_for(pid, time.monotonic() + timeout)
        kill(pid, group_only=status is not None)
        if status is None:
            os.waitpid(pid, 0)
        reap_all()
        printed = both_ends(output.fileno(), SCRIPT_OUTPUT_LIMIT).decode("utf-8", "replace")
    printed = printed.replace(os.getcwd() + os.sep, "")
    if status is None:
        return None, printed
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), printed


def both_ends(fd: int, limit: int) -> bytes:
    """Read a file; of a long one the beginning and the end."""
    size = os.fstat(fd).st_size
    if size <= limit:
        return os.pread(fd, limit, 0)
    half = limit // 2
    return os.pread(fd, half, 0) + b"\n[...]\n" + os.pread(fd, half, size - half)


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
        self.test_timeouts = config["test_timeouts"]
        self.impatient_timeout = config["impatient_timeout"]
        self.hung = config["hung"]
        self.complete = False
        self.watcher: Any = None
        self.reports = config["reports"]
        self.told: dict[str, str] = {}
        self.root = os.getcwd()
        self.only_files = None if config["only_files"] is None else set(config["only_files"])
        self.order_seed = config["order_seed"]
        self.phases: dict[str, list[Any]] = {}
        self.copies: dict[str, list[Any]] = {}
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
        for name in MARKS_OF_BLOCKED:
            config.addinivalue_line("markers", name + ": of a plugin that is blocked")

    def pytest_ignore_collect(self, collection_path: Any) -> bool | None:
        """Leave the files of tests alone that are not asked for; packages and conftests stay."""
        if self.only_files is None or collection_path.is_dir():
            return None
        path = os.path.relpath(str(collection_path), self.root)
        keep = path in self.only_files or os.path.basename(path) in ("__init__.py", "conftest.py")
        return None if keep else True

    def send(self, **message: Any) -> None:
        with self.lock:
            write_all(self.fd, b"\n" + json.dumps(message).encode("utf-8") + b"\n")

    def pytest_collection_modifyitems(self, session: Any, config: Any, items: list[Any]) -> None:
        self.complete = True
        if self.wanted is not None:
            gone = [item for item in items if item.nodeid not in self.wanted]
            items[:] = [item for item in items if item.nodeid in self.wanted]
            if gone:
                config.hook.pytest_deselected(items=gone)
        if self.order_seed is not None:
            items[:] = shuffled(items, self.order_seed)

    def pytest_collection_finish(self, session: Any) -> None:
        """Say what was collected; pytest calls this also when a module has ended collection."""
        if not self.complete:
            return
        if self.watcher is not None:
            self.watcher.stop()
            self.send(event="seen", test="", **self.watcher.seen())
        for item in session.items:
            self.copies.setdefault(item.nodeid, []).append(item)
        self.send(event="collected", tests=list(self.copies))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.send(event="collect-error", path=report.nodeid, detail=last_line(report))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self.send(event="start", test=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.phases.setdefault(report.nodeid, []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """Send the outcome when the last test with this id has ended."""
        copies = self.copies.get(nodeid, [])
        del copies[:1]
        if not copies:
            self.send_outcome(nodeid, *combine(self.phases.pop(nodeid, [])))

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Keep what a person would see of the first thing that went wrong in a test."""
        if self.reports and hasattr(report, "when"):
            self.told.setdefault(report.nodeid, shown(call.excinfo, self.root + os.sep))

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
        if threading.active_count() > 1:
            self.send(event="cannot-fork")
            return True
        gc.freeze()
        for items in list(self.copies.values()):
            self.alone(items)
        return True

    def alone(self, items: list[Any]) -> None:
        """Run a test (all that share its id) in a fork, so that no other has run before it."""
        test = items[0].nodeid
        self.send(event="start", test=test)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                self.run_alone(items)
            finally:
                os._exit(0)
        limit = self.test_timeouts.get(test, self.test_timeout)
        if self.impatient_timeout is not None and self.hung >= PATIENCE:
            limit = min(limit, self.impatient_timeout)
        status = wait_for(pid, began + limit)
        kill(pid, group_only=status is not None)
        seconds = time.monotonic() - began
        if status is None:
            os.waitpid(pid, 0)
            self.hung += 1
            self.send_outcome(test, "timeout", seconds, TIMED_OUT)
        else:
            detail = died_of(status)
            self.send_outcome(test, "crashed", seconds, detail)

    def run_alone(self, items: list[Any]) -> None:
        """Run a test and the others of its id, and say what they ran where that is asked."""
        test = items[0].nodeid
        if self.watcher is not None:
            self.watcher.prepare_children()
            self.watcher.start()
        for item in list(items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if self.watcher is not None:
            self.watcher.stop()
            self.send(event="seen", test=test, **self.watcher.seen())


def shuffled(items: list[Any], seed: int) -> list[Any]:
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


class Keeper(Plugin):
    """Holds the collected session of the unbroken code, and runs tests of it in forks."""

    def __init__(self, channel: Any, args: list[str]) -> None:
        Plugin.__init__(self, -1, {**NOTHING_ASKED, "args": args})
        self.channel = channel
        self.inspected: set[str] = set()
        self.functions: dict[str, list[Any]] = {}
        self.suspended: dict[str, list[Any]] = {}
        self.places_of: dict[str, list[int]] = {}
        self.loaded: set[str] = set()
        self.captures: list[int] = []
        self.session: Any = None
        self.places = Places(self.root)
        self.find_source = inspect.findsource
        inspect.findsource = self.note_inspected  # type: ignore[assignment]

    def send(self, **message: Any) -> None:
        """Say nothing while the unbroken code is collected."""
        if self.fd >= 0:
            Plugin.send(self, **message)

    def note_inspected(self, found: Any) -> Any:
        """Stand in for ``inspect.findsource``: what reads sources now may keep what it read."""
        caller: Any = sys._getframe(1)
        while caller is not None and caller.f_globals.get("__name__") == "inspect":
            caller = caller.f_back
        if caller is None or not str(caller.f_globals.get("__name__")).startswith("_pytest."):
            with contextlib.suppress(TypeError):
                path = self.places.inside(str(inspect.getsourcefile(found) or ""))
                self.inspected.add(path)
        return self.find_source(found)

    def pytest_collection_finish(self, session: Any) -> None:
        """Say nothing: the runs do."""

    def pytest_runtestloop(self, session: Any) -> bool:
        """Take requests until the one who asks is gone."""
        inspect.findsource = self.find_source
        self.session = session
        os.environ.update(environment())
        sys.dont_write_bytecode = True
        why = self.unfit(session.config)
        told = {"why": why, "modules": self.modules_outside()}
        said = json.dumps(told).encode("utf-8")
        self.index()
        gc.collect()
        gc.freeze()
        self.channel.send(said if len(said) < MESSAGE_LIMIT else json.dumps({"why": why}).encode())
        if why:
            os._exit(0)
        serve_forks(self.channel, self.run_held)
        return True

    def unfit(self, config: Any) -> str:
        """Why forks of this process would share more than memory; empty when they do not."""
        if several_threads():
            return "a thread is running after collection"
        if children():
            return "a process is running after collection"
        if os.listdir(os.environ["TMPDIR"]):
            return "collecting the tests leaves temporary files"
        with open("/proc/self/maps", errors="replace") as file:
            if any(line.split(None, 2)[1] == "rw-s" for line in file):
                return "memory is shared after collection"
        captured = self.captured(config)
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            try:
                target, mode = os.readlink("/proc/self/fd/" + name), os.fstat(fd).st_mode
            except OSError:
                continue
            if fd in captured:
                self.captures.append(fd)
            elif not stat.S_ISCHR(mode) and fd != self.channel.fileno():
                return "%s is open after collection" % target
        return ""

    @staticmethod
    def captured(config: Any) -> set[int]:
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

    def modules_outside(self) -> list[str]:
        """Modules that the tests have loaded, the repository's own left out."""
        root = os.path.join(os.path.realpath(self.root), "")
        found = [
            name
            for name, module in list(sys.modules.items())
            if isinstance(getattr(module, "__file__", None), str)
            and not of_tree(module, root)
            and name != "__main__"
        ]
        return found[:MODULES_LIMIT]

    def index(self) -> None:
        """List the functions of the tree by file, what is suspended in its code, and the tests."""
        for place, item in enumerate(self.session.items):
            self.places_of.setdefault(item.nodeid, []).append(place)
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                self.loaded.add(self.places.inside(file))
        for found in gc.get_objects():
            kind = type(found)
            if kind is types.FunctionType:
                path = self.places.inside(found.__code__.co_filename)
                if path:
                    self.functions.setdefault(path, []).append(found)
            elif kind in SUSPENDED:
                code = getattr(found, SUSPENDED[kind])
                path = self.places.inside(code.co_filename)
                if path:
                    self.suspended.setdefault(path, []).append(code)

    def run_held(self, config_fd: int, report_fd: int) -> None:
        """Run what was asked, in a fork: give the changed functions their code, then run tests."""
        die_first()
        config = read_config(config_fd)
        os.set_inheritable(report_fd, False)
        self.renew_captures()
        Plugin.__init__(self, report_fd, config)
        why = self.swap(config["swaps"])
        if why:
            self.send(event="cannot-swap", why=why)
            os._exit(0)
        wanted = sorted(
            place for test in self.wanted or () for place in self.places_of.get(test, ())
        )
        items = [self.session.items[place] for place in wanted]
        for item in items:
            self.copies.setdefault(item.nodeid, []).append(item)
        self.send(event="collected", tests=list(self.copies))
        if self.isolate:
            for copies in list(self.copies.values()):
                self.alone(copies)
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

    def swap(self, swaps: list[dict[str, Any]]) -> str:
        """Give functions their new code; return why that cannot be done, having changed none."""
        found: list[Callable[[], None]] = []
        for each in swaps:
            why = self.prepare(each, found)
            if why:
                return why
        for change in found:
            change()
        return ""

    def prepare(self, each: dict[str, Any], found: list[Callable[[], None]]) -> str:
        """Find what is to be swapped; return why it cannot be."""
        path, name, (first, last) = each["path"], each["name"], each["span"]
        linecache.cache.pop(os.path.join(self.root, path), None)
        if path in self.inspected:
            return "the source of %s is read before the first test" % path
        functions = [
            function
            for function in self.functions.get(path, ())
            if first <= function.__code__.co_firstlineno <= last
        ]
        if not functions:
            return "no function %s is found" % name if path in self.loaded else ""
        flags = functions[0].__code__.co_flags & FUTURE
        try:
            old = compile_alone(each["old"], first, each, flags)
            new = compile_alone(each["new"], each["new_first"], each, flags)
        except (SyntaxError, ValueError, LookupError) as error:
            return "%s cannot be compiled alone: %s" % (name, error)
        pairs = matched(old, new)
        for function in functions:
            fitting = [two for one, two in pairs if one == function.__code__]
            if not fitting or any(two != fitting[0] for two in fitting):
                return "%s is not as its file has it" % name
            code = fitting[0]
            if shape(function.__code__, each["introspects"]) != shape(code, each["introspects"]):
                return "%s changes its shape" % name
            code = renamed(code, function.__code__.co_filename)
            found.append(functools.partial(setattr, function, "__code__", code))
            if one_of(function.__code__, old):
                found += new_defaults(function, each["defaults"])
        if any(first <= code.co_firstlineno <= last for code in self.suspended.get(path, ())):
            return "%s has begun to run before the first test" % name
        return ""


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
FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag


def compile_alone(source: str, first: int, place: dict[str, Any], flags: int) -> types.CodeType:
    """Compile an outermost function as it would be within its file.

    ``source`` are its lines, the first of which is line ``first``; ``place`` names the classes
    around it, and which of its names the module imports. Raises SyntaxError, ValueError or
    LookupError.
    """
    text = source
    if source[:1] in " \t":
        text = "\n" * (first - 2) + "if 1:\n" + source
    else:
        text = "\n" * (first - 1) + source
    body: Any = ast.parse(text).body
    if source[:1] in " \t":
        body = body[0].body
    for name in reversed(place["classes"]):
        around: Any = ast.parse("class %s: pass" % name).body[0]
        around.body = body
        body = [around]
    filename = place["path"]
    imports = [ast.parse("import " + name).body[0] for name in place["imports"]]
    module = ast.Module(body=[*imports, *body], type_ignores=[])
    code: types.CodeType = compile(module, filename, "exec", flags=flags, dont_inherit=True)
    for name in [*place["classes"], place["name"]]:
        (code,) = [
            each
            for each in code.co_consts
            if isinstance(each, types.CodeType) and each.co_name == name
        ]
    return code


def matched(old: types.CodeType, new: types.CodeType) -> list[tuple[Any, Any]]:
    """Pair code with what is nested in it, by position; only itself where that differs in kind."""
    pairs: list[tuple[Any, Any]] = [(old, new)]
    ones = [each for each in old.co_consts if isinstance(each, types.CodeType)]
    others = [each for each in new.co_consts if isinstance(each, types.CodeType)]
    if [each.co_name for each in ones] == [each.co_name for each in others]:
        for place, one in enumerate(ones):
            pairs += matched(one, others[place])
    return pairs


def one_of(code: types.CodeType, old: types.CodeType) -> bool:
    """Say whether code is that of the outermost function itself."""
    return code.co_firstlineno == old.co_firstlineno and code.co_name == old.co_name


def renamed(code: types.CodeType, filename: str) -> types.CodeType:
    """Code, and what is nested in it, as of another file."""
    constants = tuple(
        renamed(each, filename) if isinstance(each, types.CodeType) else each
        for each in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=constants)


def new_defaults(function: Any, defaults: list[Any]) -> list[Callable[[], None]]:
    """What gives a function its new defaults."""
    found: list[Callable[[], None]] = []
    for attribute, place, literal in defaults:
        value = ast.literal_eval(literal)
        kept = getattr(function, attribute)
        if attribute == "__defaults__":
            given: Any = (*kept[:place], value, *kept[place + 1 :])
        else:
            code = function.__code__
            given = {**kept, code.co_varnames[code.co_argcount + place]: value}
        found.append(functools.partial(setattr, function, attribute, given))
    return found


def shape(code: types.CodeType, introspects: str) -> tuple[Any, ...]:
    """What a function's new code must have in common with the old."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return (
        code.co_name,
        None if introspects == "__code__" else code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_varnames[:count],
        code.co_freevars,
        code.co_cellvars,
    )


SUSPENDED = {
    types.GeneratorType: "gi_code",
    types.CoroutineType: "cr_code",
    types.AsyncGeneratorType: "ag_code",
}


FORKING = ("os.fork", "os.forkpty")
STARTING = {"subprocess.Popen": (0, 1, 3), "os.posix_spawn": (0, 1, 2), "os.exec": (0, 1, 2)}
"""Events (``sys.audit``) of starting a program, and where its name, arguments and environment are.

``multiprocessing`` raises none, and hands the environment on.
"""
WATCHED = "BUGFOUNDRY_WATCHED"
"""Names the folder for what processes see that a test starts, and the root of the tree."""
SITE = """
import importlib.machinery, importlib.util, os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if path != here]
if %(name)r in os.environ:
    spec = importlib.util.spec_from_file_location("bugfoundry_runner", %(runner)r)
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    runner.watch_this_process()
spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
if spec is not None:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""


def watch_this_process() -> None:
    """Note what this process runs, which a watched test has started."""
    folder, _, root = os.environ[WATCHED].partition(os.pathsep)
    watcher = Watcher(root)
    watcher.start()
    watcher.write_to(folder, "started")


def runs_python(program: Any, arguments: Any) -> bool:
    """Say whether a program is a Python that takes notice of its environment."""
    try:
        given = [os.fsdecode(each) for each in arguments]
        name = os.fsdecode(program or given[0])
        found = shutil.which(name)
        if found is None:
            return False
        if re.match(r"(python|pypy)[0-9.]*$", os.path.basename(found)):
            options = itertools.takewhile(lambda each: each.startswith("-"), given[1:])
            return not any(re.match(r"-[a-zA-Z]*[EISV]", each) for each in options)
        with open(found, "rb") as file:
            line = file.readline(300)
        return line.startswith(b"#!") and b"python" in line
    except (OSError, TypeError, ValueError, IndexError):
        return False


class Watcher:
    """Notes which lines of the tree are run, which of its files are opened, and what is hidden."""

    def __init__(self, root: str) -> None:
        self.root = os.path.join(os.path.realpath(root), "")
        self.inside = Places(root).inside
        self.totals: dict[int, tuple[Any, frozenset[int]]] = {}
        self.on = False
        self.report: Any = None
        self.folder = ""
        self.clear()
        sys.addaudithook(self.audit)
        os.register_at_fork(after_in_child=self.after_fork)

    def clear(self) -> None:
        self.tracers: dict[int, Any] = {}
        self.trace = self.tracing(self.tracers)
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
            file.write(SITE % {"name": WATCHED, "runner": os.path.abspath(__file__)})
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
        if self.on and self.folder:
            self.tracers.clear()
            self.write_to(self.folder, "forked")

    def start(self) -> None:
        self.clear()
        linecache.clearcache()
        self.on = True
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def stop(self) -> None:
        self.hidden = sys.gettrace() != self.trace
        self.opaque = self.opaque or self.hidden
        sys.settrace(None)
        threading.settrace(None)
        self.on = False

    def tracing(self, tracers: dict[int, Any]) -> Any:
        """What notes code that is entered; code outside the tree is not looked into."""

        def trace(frame: Any, event: str, argument: Any) -> Any:
            try:
                return tracers[id(frame.f_code)]
            except KeyError:
                tracer = tracers[id(frame.f_code)] = self.tracer_of(frame.f_code)
                return tracer

        return trace

    def tracer_of(self, code: Any) -> Any:
        """What notes the lines of code, by its address: to compare code is slow."""
        if id(code) not in self.totals:
            inside = bool(self.inside(code.co_filename))
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
        self.on = False
        try:
            given = {os.fsdecode(name): os.fsdecode(value) for name, value in dict(env).items()}
            paths = given.get("PYTHONPATH", "").split(os.pathsep)
            site = os.path.join(os.path.dirname(self.folder), "site")
            hears = bool(self.folder) and WATCHED in given and site in paths
            if hears and runs_python(program, arguments):
                self.expected += 1
                if self.report is not None:
                    self.report("expected", "")
                return
        finally:
            self.on = True
        self.note_opaque()

    def note_opaque(self) -> None:
        self.opaque = True
        if self.report is not None:
            self.report("opaque", "")

    def note_introspection(self, function: Any) -> None:
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

    def seen(self) -> dict[str, Any]:
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
            "code": in_digits(code),
            "lines": in_digits(lines),
            "introspected": in_digits(introspected),
            "opened": sorted(self.files_opened()),
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

    def files_opened(self) -> set[str]:
        """Files of the tree; who opens a compiled file has imported its source."""
        found = {path for name in self.opened for path in [self.inside(name)] if path}
        for path in list(found):
            folder, name = os.path.split(path)
            if os.path.basename(folder) == "__pycache__":
                found.add(os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py"))
        return found


class Places:
    """Tells which files lie within the tree."""

    def __init__(self, root: str) -> None:
        self.root = os.path.join(os.path.realpath(root), "")
        self.known: dict[str, str] = {}

    def inside(self, name: str) -> str:
        """A path relative to the tree, empty for what lies outside."""
        found = self.known.get(name)
        if found is None:
            found = self.known[name] = self.relative(name)
        return found

    def relative(self, name: str) -> str:
        if name.startswith("<"):
            return ""
        full = name if os.path.isabs(name) else os.path.join(self.root, name)
        full = os.path.normpath(full)
        if not full.startswith(self.root):
            full = os.path.realpath(full)
        return full[len(self.root) :] if full.startswith(self.root) else ""


INTROSPECTED = ("__code__", "__defaults__", "__kwdefaults__")
NOTHING_NEW = 3000
"""Known lines that a function may run in a row until all of its lines count as run."""


def in_digits(masks: dict[str, int]) -> dict[str, str]:
    return {path: "%x" % mask for path, mask in masks.items()}


def wait_for(pid: int, deadline: float) -> int | None:
    """Wait for a child; None when it has not ended by the deadline."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        handle = -1
    pause = 0.0005
    try:
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return status
            if handle >= 0:
                select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            else:
                time.sleep(pause)
                pause = min(pause * 1.5, 0.05)
        return None
    finally:
        if handle >= 0:
            os.close(handle)


def died_of(status: int) -> str:
    """Say how a test's process ended, by its wait status."""
    if not os.WIFSIGNALED(status):
        return "the process ended in this test (exit code %d)" % os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    guess = ", as when the memory runs out" if number == signal.SIGKILL else ""
    return "the process died in this test (signal %d%s)" % (number, guess)


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
    lookup = getattr(report.longrepr, "errorstring", None)
    if lookup:
        return str(lookup).strip().splitlines()[0][:DETAIL_LIMIT]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else str(report.longrepr or "")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return (lines[0] if crash is not None else lines[-1])[:DETAIL_LIMIT]


def shown(excinfo: Any, root: str) -> str:
    """What Python prints of an exception, from where the repository's own code begins."""
    place = excinfo.tb
    while place and place.tb_next and not place.tb_frame.f_code.co_filename.startswith(root):
        place = place.tb_next
    try:
        text = "".join(traceback.format_exception(excinfo.type, excinfo.value, place))
    except Exception:
        return ""
    return text.replace(root, "")[-REPORT_LIMIT:]


def stand_ins(pytest: Any) -> Any:
    """Make a plugin of the fixtures that blocked plugins give in a run of one worker."""
    module = types.ModuleType("stand_ins")
    for name, value in FIXTURES_OF_BLOCKED.items():
        setattr(module, name, pytest.fixture(scope="session", name=name)(lambda value=value: value))
    return module


def mend_clock() -> None:
    """Let a process sleep whose clock libfaketime shifts, and its children have the true clock.

    Its release 0.9.10 takes the shift off moments of the monotonic clock too, which it was told to
    leave alone: ``time.sleep`` of Python 3.11 and newer, which waits for one, fails.
    """
    os.environ.pop("LD_PRELOAD", None)

    def sleep(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        select.select((), (), (), seconds)

    # What is pickled by its name is found under it again.
    sleep.__module__, sleep.__qualname__ = "time", "sleep"
    time.sleep = sleep  # type: ignore[assignment]


def run_pytest(config_fd: int, report_fd: int) -> None:
    die_first()
    if "FAKETIME" in os.environ:
        mend_clock()
    config = read_config(config_fd)
    os.set_inheritable(report_fd, False)
    plugin = Plugin(report_fd, config)
    if config["watch"]:
        plugin.watcher = Watcher(plugin.root)
        plugin.watcher.start()
    code = start_pytest(config["args"], plugin)
    plugin.send(event="finished", code=code)
    sys.stdout.flush()
    os._exit(0)


def read_config(fd: int) -> dict[str, Any]:
    with os.fdopen(fd, "rb") as file:
        found: dict[str, Any] = json.loads(file.read().decode("utf-8"))
    return found


def start_pytest(given: list[str], plugin: Plugin) -> int:
    """Run pytest with a plugin of ours, as ``python -m pytest`` would."""
    sys.path[0] = os.getcwd()
    import pytest

    pytest.hookimpl(tryfirst=True)(Plugin.pytest_ignore_collect)
    sys.argv = [os.path.join(os.path.dirname(pytest.__file__), "__main__.py"), *given]
    args = ["-o", "addopts=", "--continue-on-collection-errors", "-q", "--tb=line"]
    for name in BLOCKED_PLUGINS:
        args += ["-p", "no:" + name]
    return int(pytest.main(args + given, plugins=[plugin, stand_ins(pytest)]))


def keeper_main(fd: int) -> None:
    """Collect the unbroken code, then fork for each run that is asked for."""
    harden()
    os.set_inheritable(fd, False)
    channel = socket.socket(fileno=fd)
    told = json.loads(channel.recv(MESSAGE_LIMIT).decode("utf-8"))
    plugin = Keeper(channel, told["args"])
    code = start_pytest(told["args"], plugin)
    channel.send(json.dumps({"why": "pytest ended before its tests (%d)" % code}).encode())
    os._exit(1)


def main(argv: list[str]) -> None:
    global ALONE
    if argv[1:2] == ["serve"]:
        ALONE = len(argv) > 2
        Server(argv[2:]).serve()
    elif argv[1:2] == ["forker"]:
        forker_main(int(argv[2]))
    elif argv[1:2] == ["keeper"]:
        keeper_main(int(argv[2]))
    elif argv[1:2] == ["pytest"]:
        run_pytest(int(argv[2]), int(argv[3]))
    else:
        sys.exit("usage: runner.py serve [FOLDER ...]")


if __name__ == "__main__":
    main(sys.argv)

"""The side that takes requests, as frames; it runs nothing of the repository itself."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from typing import Any

from .environment import find_faketime, make_environment
from .frames import read_frame, take_channel, write_frame
from .held import HeldProcesses
from .parts import join_part
from .processes import (
    adopt_orphans,
    claim_sandbox,
    forbid_ptrace,
    kill_process,
    prefer_oom_kill,
    reap_all,
    wait_for_end,
)
from .request import RunRequest
from .tree import ScratchFolders, WorkTree, remove_shared_memory

SCRIPT = "reproduce.py"
SCRIPT_OUTPUT_LIMIT = 8000


class RunnerServer:
    """Answers requests until the other side is gone."""

    def __init__(self, folders: list[str]) -> None:
        self.alone = bool(folders)
        if self.alone:
            claim_sandbox()
        self.source, self.target = take_channel()
        self.tree = WorkTree(os.getcwd())
        self.stable = HeldProcesses(self.tree)
        self.parts: dict[str, Any] = {}
        self.scratch = ScratchFolders(folders or list(filter(None, [os.environ.get("TMPDIR")])))

    def serve(self) -> None:
        """Answer until the channel is closed."""
        adopt_orphans()
        forbid_ptrace()
        write_frame(self.target, {"event": "ready", "python": list(sys.version_info[:3])})
        while True:
            frame = read_frame(self.source)
            if frame is None:
                return
            if frame["op"] == "part":
                join_part(self.parts, frame["field"], frame["part"])
                continue
            frame.update(self.parts)
            self.parts = {}
            operations = {
                "run": self.run,
                "prepare": self.prepare,
                "compile": self.compile,
                "script": self.script,
            }
            operations[frame["op"]](frame)

    def prepare(self, frame: dict[str, Any]) -> None:
        """Start what runs are forked from, ahead of the first."""
        self.stable.list_ways(str(frame["path"]), [str(arg) for arg in frame["args"]])
        write_frame(self.target, {"event": "prepared", "restored": self.clean()})

    def run(self, frame: dict[str, Any]) -> None:
        request = RunRequest(frame, lambda message: write_frame(self.target, message), self.stable)
        error = ""
        try:
            self.write_files(frame)
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
                "clock": bool(request.conditions.get("clock_days") and find_faketime()),
                "exhausted": request.exhausted,
                "stopped": request.stopped,
                "restored": restored,
                "forged": request.forged,
                "error": error,
                "tail": request.tail,
            },
        )

    def write_files(self, frame: dict[str, Any]) -> None:
        """Write a request's files into the tree."""
        for path, data in frame.get("files", {}).items():
            self.tree.write_file(path, None if data is None else base64.b64decode(data))

    def clean(self) -> bool:
        """Put everything back as it was before a run. Returns whether that was possible."""
        # First the processes: one that lives on could write again what is put back.
        quiet = reap_all()
        if self.alone:
            remove_shared_memory()
        return self.scratch.clear() and self.tree.restore() and quiet

    def script(self, frame: dict[str, Any]) -> None:
        """Run a script in the tree, as a person would who has it there."""
        error, code, output = "", None, ""
        try:
            self.write_files(frame)
            name = SCRIPT
            while os.path.lexists(os.path.join(self.tree.root, name)):
                name = "_" + name
            self.tree.write_file(name, frame["script"].encode("utf-8"))
            code, output = run_script(name, float(frame["timeout"]))
        except (OSError, ValueError) as problem:
            error = str(problem)
        finally:
            restored = self.clean()
        answer = {"event": "script", "exit": code, "output": output, "error": error}
        write_frame(self.target, dict(answer, restored=restored))

    def compile(self, frame: dict[str, Any]) -> None:
        """Say of each source whether this Python compiles it."""
        answers = [is_compilable(source) for source in frame["sources"]]
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
                prefer_oom_kill()
                # Who reads the standard input finds its end, and does not wait for ever.
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.execve(sys.executable, [sys.executable, name], make_environment())
            finally:
                os._exit(127)
        status = wait_for_end(pid, time.monotonic() + timeout)
        kill_process(pid, group_only=status is not None)
        if status is None:
            os.waitpid(pid, 0)
        reap_all()
        printed = read_both_ends(output.fileno(), SCRIPT_OUTPUT_LIMIT).decode("utf-8", "replace")
    # The folder's name is ours, not the script's: elsewhere it would read otherwise.
    printed = printed.replace(os.getcwd() + os.sep, "")
    if status is None:
        return None, printed
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), printed


def read_both_ends(fd: int, limit: int) -> bytes:
    """Read a file; of a long one the beginning and the end."""
    size = os.fstat(fd).st_size
    if size <= limit:
        return os.pread(fd, limit, 0)
    half = limit // 2
    return os.pread(fd, half, 0) + b"\n[...]\n" + os.pread(fd, half, size - half)


def is_compilable(source: str) -> bool:
    """Say whether this Python compiles a source; a warning does no harm."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<candidate>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True

"""The process that has pytest loaded and nothing of the repository, and how runs are forked."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from .blocked import BLOCKED_PLUGINS
from .held import receive_message, send_message
from .places import is_of_tree
from .processes import allow_ptrace, forbid_ptrace, has_other_threads
from .start import run_pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def run_forker(fd: int) -> None:
    """Load what runs share, then fork for each that is asked for."""
    forbid_ptrace()
    os.set_inheritable(fd, False)
    channel = socket.socket(fileno=fd)
    told = json.loads(receive_message(channel).decode("utf-8"))
    load_pytest()
    for name in told["modules"]:
        # The tests import it themselves: what goes wrong here goes wrong again where it counts.
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    root = os.path.join(os.path.realpath(os.getcwd()), "")
    why = "threads" if has_other_threads() else ""
    if any(is_of_tree(module, root) for module in list(sys.modules.values())):
        why = "what it loads is the repository's own"
    send_message(channel, json.dumps({"why": why}).encode("utf-8"))
    # What is frozen is not looked at by the collector, which would write to the pages that all
    # forks share (https://docs.python.org/3/library/gc.html#gc.freeze).
    gc.collect()
    gc.freeze()
    serve_forks(channel, run_pytest)


def serve_forks(channel: Any, run: Callable[[int, int], Any]) -> None:
    """Fork for each run that is asked for; never returns. Who has died is not waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        told, fds, _, _ = socket.recv_fds(channel, 10000, 2)
        # The other end is closed: the runner is gone, or has no more use for this process.
        if not told:
            os._exit(0)
        output, folder = json.loads(told.decode("utf-8"))
        channel.send(b"%d" % fork_run(channel, fds, output, folder, run))
        for each in fds:
            os.close(each)


def load_pytest() -> None:
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


def fork_run(
    channel: Any, fds: list[int], output: str, folder: str, run: Callable[[int, int], Any]
) -> int:
    """Fork a run; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            # Tests start processes and wait for them, as in any process.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            channel.close()
            allow_ptrace()
            os.environ["TMPDIR"] = tempfile.tempdir = folder
            written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(written, 1)
            os.dup2(written, 2)
            os.close(written)
            run(fds[0], fds[1])
        finally:
            os._exit(127)
    return child

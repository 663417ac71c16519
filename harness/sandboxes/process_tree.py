"""Find and kill all that a process started, whatever sessions and daemons it made."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

ROUNDS = 50


def kill_tree(pid: int | None, *, mark: str = "") -> None:
    """Kill a process, its descendants, and whatever carries ``mark`` in its environment.

    The descendants are stopped first, so that none can start another behind our back; the mark
    finds those whose parent is gone already. Never raises.
    """
    stopped: set[int] = set()
    for _ in range(ROUNDS):
        found = family(pid, mark) - stopped
        if not found:
            break
        signal_all(found, signal.SIGSTOP)
        stopped |= found
    for _ in range(ROUNDS):
        signal_all(stopped, signal.SIGKILL)
        stopped = family(pid, mark)
        if not stopped:
            return
        time.sleep(0.01)


def signal_all(pids: set[int], number: signal.Signals) -> None:
    """Send a signal to each; those that are gone are no fault."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def family(pid: int | None, mark: str) -> set[int]:
    """Ids of the living processes that belong to ``pid``, itself included."""
    parents = read_parents()
    found = {each for each in parents if each == pid}
    if mark:
        found |= {each for each in parents if each != os.getpid() and has_mark(each, mark)}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def read_parents() -> dict[int, int]:
    """Every process that is no zombie, and its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state not in ("Z", "X"):
                found[int(path.parent.name)] = int(parent)
    return found


def has_mark(pid: int, mark: str) -> bool:
    """Say whether a process was started with an environment variable of this value."""
    with suppress(OSError):
        words = Path("/proc", str(pid), "environ").read_bytes().split(b"\0")
        return any(word.partition(b"=")[2] == os.fsencode(mark) for word in words)
    return False

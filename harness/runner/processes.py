"""Processes: what may look into them, how they are found, killed and waited for."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import threading
import time

GRACE = 5.0
"""Seconds more than a test's own limit, when the process that forks tests watches it."""
REAPING_ROUNDS = 200
SET_DUMPABLE = 4
SET_CHILD_SUBREAPER = 36
"""Of ``prctl`` (``linux/prctl.h``), which Python has no call for."""
SPARED: set[int] = set()
"""Processes of ours that outlive a run."""
ALONE = False
"""Whether every process that we may kill is one that a run started."""


def claim_sandbox() -> None:
    """Take every process that can be seen for one that a run started."""
    global ALONE
    ALONE = True


def forbid_ptrace() -> None:
    """Let no other process of this user look into this one, or write where it writes.

    A process that is not dumpable belongs to root under ``/proc``: its memory, its descriptors
    and ptrace are shut to the tests, which run as the same user.
    """
    set_option(SET_DUMPABLE, 0)


def allow_ptrace() -> None:
    """Be as any process again: tests may look into their own, ``/proc/self`` included."""
    set_option(SET_DUMPABLE, 1)


def set_option(option: int, value: int) -> None:
    """Set what ``prctl`` can, where there is such a call."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    except (OSError, AttributeError):
        return


def prefer_oom_kill() -> None:
    """When memory runs out, the kernel is to take the tests and not their runner."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        return


def adopt_orphans() -> None:
    """Make daemons that tests leave behind our children, so that they can be found and killed."""
    set_option(SET_CHILD_SUBREAPER, 1)


def list_children() -> list[int]:
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
            # The name in brackets is the program's to choose, with spaces and brackets in it: what
            # follows the last one is state, then parent (proc(5)).
            if text.rpartition(")")[2].split()[1:2] == [me] and int(name) not in SPARED:
                found.append(int(name))
    return found


def reap_all() -> bool:
    """Kill whatever the run left behind, daemons included. Returns whether nothing is left.

    Alone in a sandbox one call kills all at once, so that none can start another in between.
    """
    for _ in range(REAPING_ROUNDS):
        left = list_children()
        if ALONE:
            # Even when no child was seen: a process may have been born while they were listed.
            if not kill_everyone() and not left:
                return True
        elif not left:
            return True
        for pid in left:
            kill_process(pid)
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
        # The kernel goes through all processes under one lock that fork takes as well: nothing is
        # born in between, so that a fork bomb cannot outrun it. It leaves out who calls, and the
        # first process of the namespace (kill(2)).
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True
    # One by one a process could fork just before its turn: none may run when the killing begins.
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
    """Send a signal, also to a process that is gone or not ours."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_process(pid: int, group_only: bool = False) -> None:
    """Kill a process with its group; of one that was waited for only the group.

    Its number may be another's by now. A group's stays taken while any member lives.
    """
    for call in (os.killpg,) if group_only else (os.killpg, os.kill):
        try:
            call(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def wait_for_end(pid: int, deadline: float) -> int | None:
    """Wait for a child; None when it has not ended by the deadline."""
    # A descriptor of the process wakes at its end (Linux 5.3, Python 3.9); else look ever less
    # often.
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


def describe_death(status: int) -> str:
    """Say how a test's process ended, by its wait status."""
    if not os.WIFSIGNALED(status):
        return "the process ended in this test (exit code %d)" % os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    guess = ", as when the memory runs out" if number == signal.SIGKILL else ""
    return "the process died in this test (signal %d%s)" % (number, guess)


def has_other_threads() -> bool:
    """Say whether there is a thread besides this one, those that Python does not know included."""
    try:
        known = len(os.listdir("/proc/self/task"))
    except OSError:
        known = 1
    return max(known, threading.active_count()) > 1

"""Locks that end with whoever holds them: between processes, threads and containers.

They are ``flock``'s. A number of a process tells nothing in another container, and comes again;
a lock is freed by the kernel, however its holder ends (``kill -9`` included).
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 0.05
"""Seconds between two looks at a lock that another holds."""
THREAD = threading.local()
"""What each thread holds."""


def do_nothing() -> None:
    """Be the callback of those who can wait."""


@contextmanager
def hold_lock(file: Path, *, on_wait: Callable[[], None] = do_nothing) -> Iterator[None]:
    """Hold a lock inside the block, made where it is not there; it is never removed.

    ``on_wait`` is called again and again while another holds it, and may raise to give up.
    """
    own = vars(THREAD).setdefault("held", set())
    if file in own:
        raise RuntimeError(f"{file} is held by this thread already: it would wait for ever")
    hold = take_lock(file, on_wait)
    own.add(file)
    try:
        yield
    finally:
        own.discard(file)
        drop_hold(hold)


def take_lock(file: Path, on_wait: Callable[[], None]) -> int:
    """Wait for a lock, and return what ``drop_hold`` takes. Raises OSError."""
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        hold = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if lock(hold) and is_same(hold, file):
            return hold
        os.close(hold)
        on_wait()
        time.sleep(PATIENCE)


def lock(hold: int) -> bool:
    """Lock what is open, where nobody else has it; say whether that was so. Raises OSError."""
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_same(hold: int, place: Path) -> bool:
    """Say whether what is open still is what has the name: it may have been removed meanwhile."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(hold), place.stat())
    return False


def take_hold(place: Path) -> int | None:
    """Take hold of a file or folder that is there, until ``drop_hold`` or the process's end.

    None where another holds it, or it is gone.
    """
    try:
        hold = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    if lock(hold) and is_same(hold, place):
        return hold
    os.close(hold)
    return None


def drop_hold(hold: int) -> None:
    """Let go; at once, also where a process that is being started has the same descriptor."""
    with suppress(OSError):
        fcntl.flock(hold, fcntl.LOCK_UN)
    os.close(hold)


def is_held(place: Path) -> bool:
    """Say whether somebody holds a file or folder."""
    hold = take_hold(place)
    if hold is None:
        return os.path.lexists(place)
    drop_hold(hold)
    return False

"""Folders for what is needed for a moment; those of killed processes are removed by the next."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from storage.locks import drop_hold, take_hold

PREFIX = "bugfoundry.tmp-"
"""Also of the paths of sockets, which have to be short."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder, removed with all that is in it when the block ends."""
    folder, hold = make_scratch_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        drop_hold(hold)


def make_scratch_folder() -> tuple[Path, int]:
    """Make a folder, and return it with the hold that says it is in use."""
    sweep_once(Path(tempfile.gettempdir()))
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        # A sweep may have been sooner, between these two steps.
        if (hold := take_hold(folder)) is not None:
            return folder, hold


@cache
def sweep_once(top: Path) -> None:
    """Sweep a folder, once in this process: what comes later is for the next to remove."""
    sweep_scratch(top)


def sweep_scratch(
    top: Path, remove: Callable[[Path], None] = lambda place: shutil.rmtree(place, True)
) -> None:
    """Remove the scratch folders of this user that nobody holds."""
    for folder in top.glob(f"{PREFIX}*"):
        if is_own_folder(folder) and (hold := take_hold(folder)) is not None:
            remove(folder)
            drop_hold(hold)


def is_own_folder(folder: Path) -> bool:
    """Say whether a folder is ours; one that another process just removed is not."""
    with suppress(FileNotFoundError):
        found = folder.lstat()
        return found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode)
    return False

"""Files and folders that appear whole or not at all, and those that are made once for all.

Whoever writes into what others read at the same time does it through this module. A part has a
name that no other writer has, and is held while it is written: one that nobody holds was left by
a killed process, and the next writer of the same place removes it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.locks import do_nothing, drop_hold, hold_lock, take_hold

TOKEN = 8
"""Random bytes in the name of a part."""
LONGEST = 100
"""Characters of a place's name that its parts have: file systems allow 255 bytes in all."""


@contextmanager
def replace_whole(place: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield an empty file or folder to write into; it takes the place where the block ends well.

    A file replaces what is there; a folder only nothing, or an empty folder. Raises OSError.
    """
    part, hold = make_part(place, folder)
    try:
        yield part
        part.replace(place)
    finally:
        remove_part(part)
        drop_hold(hold)


def write_whole_file(place: Path, data: bytes) -> None:
    """Write a file, whole for everybody who reads it, its folder if need be. Raises OSError."""
    with replace_whole(place) as part:
        part.write_bytes(data)


def make_once(
    place: Path,
    make: Callable[[Path], object],
    *,
    folder: bool = False,
    is_made: Callable[[Path], bool] = Path.exists,
    on_wait: Callable[[], None] = do_nothing,
) -> Path:
    """Have ``make`` write a place where it is not there; of many who ask at once, one does.

    What ``make`` raises is raised, and nothing is left; then the next who waits tries.
    """

    def make_place() -> None:
        if folder and place.is_dir():
            # Left by something that did not write it through this module.
            shutil.rmtree(place)
        with replace_whole(place, folder=folder) as part:
            make(part)

    run_once(name_lock(place), lambda: is_made(place), make_place, on_wait=on_wait)
    return place


def run_once(
    lock: Path,
    is_done: Callable[[], bool],
    run: Callable[[], object],
    *,
    on_wait: Callable[[], None] = do_nothing,
) -> None:
    """Do something that is not done yet; of many who ask at once, one does, the others wait.

    For what cannot be moved into its place: an environment that holds its own path, an image.
    What ``run`` does has to say that it is done as its last step, in one.
    """
    if is_done():
        return
    with hold_lock(lock, on_wait=on_wait):
        if not is_done():
            run()


def name_lock(place: Path) -> Path:
    """Name the lock of a place: a file beside it, for the place itself comes and goes."""
    return place.with_name(f"{place.name}.lock")


def make_part(place: Path, folder: bool) -> tuple[Path, int]:
    """Make a part of a place, and return it with its hold. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep_parts(place)
    while True:
        part = place.with_name(f"{stem_of(place)}{secrets.token_hex(TOKEN)}.part")
        part.mkdir() if folder else part.touch(exist_ok=False)
        # A sweep may have been sooner, between these two steps.
        if (hold := take_hold(part)) is not None:
            return part, hold


def stem_of(place: Path) -> str:
    return f".{place.name[:LONGEST]}."


def sweep_parts(place: Path) -> None:
    """Remove the parts of a place that nobody holds."""
    name = re.compile(re.escape(stem_of(place)) + rf"[0-9a-f]{{{2 * TOKEN}}}\.part")
    with os.scandir(place.parent) as found:
        parts = [entry.name for entry in found if name.fullmatch(entry.name)]
    for part in map(place.with_name, parts):
        if (hold := take_hold(part)) is not None:
            remove_part(part)
            drop_hold(hold)


def remove_part(part: Path) -> None:
    """Remove a part where it is still there."""
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
        return
    with suppress(FileNotFoundError):
        part.unlink()

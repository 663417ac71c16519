"""What a run could leave behind for the next one, above all in the work tree: put back, or gone."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
"""In nanoseconds."""
COMPILED = re.compile(r"(^|/)__pycache__/[^/]+\.pyc$")


class WorkTree:
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
            self.folders[path] = self.read_mode(path)
        for path in files:
            self.files[path] = self.load_file(path)
            self.stats[path] = self.read_signature(path)

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
                        files[base + entry.name] = file_signature(entry.stat(follow_symlinks=False))
            for path in found:
                self.unlock(path)
                waiting.append(path + "/")
            folders += found
        return folders, files

    def unlock(self, path: str) -> None:
        """Open a folder that a test has shut, so that it can be looked into."""
        mode = self.read_mode(path)
        if mode & 0o700 != 0o700 and mode != self.folders.get(path, mode if self.stats else None):
            os.chmod(os.path.join(self.root, path), mode | 0o700)

    def read_mode(self, path: str) -> int:
        """Return the bits of permission."""
        return stat.S_IMODE(os.lstat(os.path.join(self.root, path)).st_mode)

    def load_file(self, path: str) -> tuple[Any, Any]:
        """Return mode and bytes of a file, the target of a link; of anything else only that."""
        full = os.path.join(self.root, path)
        mode = os.lstat(full).st_mode
        if stat.S_ISLNK(mode):
            return ("link", os.readlink(full))
        if not stat.S_ISREG(mode) or not os.access(full, os.R_OK):
            return ("other", "")
        with open(full, "rb") as file:
            return (stat.S_IMODE(mode), file.read())

    def read_signature(self, path: str) -> tuple[int, ...]:
        """Return the signature of a file that is there."""
        return file_signature(os.lstat(os.path.join(self.root, path)))

    def write_file(self, path: str, data: bytes | None) -> None:
        """Write a file, or delete it when ``data`` is None. Raises ValueError outside the tree."""
        # A link inside the tree may lead out of it, so the folder is looked up to its end.
        full = os.path.normpath(os.path.join(self.root, path))
        inside = os.path.realpath(os.path.dirname(full)) + os.sep
        if os.path.isabs(path) or not inside.startswith(os.path.realpath(self.root) + os.sep):
            raise ValueError("path outside the work tree: %r" % path)
        # Removed and not written over: a link there would be followed.
        remove_path(full)
        if data is None:
            return
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(data)
        kept = self.files.get(path)
        if kept is not None and isinstance(kept[0], int):
            os.chmod(full, kept[0])
            self.age_file(full, self.stats[path][2])

    @staticmethod
    def age_file(path: str, known: int) -> None:
        """Let a changed file be of another second than before: compiled code goes by that.

        A ``.pyc`` holds whole seconds and the size of its source (PEP 552).
        """
        now = os.stat(path).st_mtime_ns
        if abs(now - known) < 2 * SECOND:
            os.utime(path, ns=(now, known + 3 * SECOND))

    def adopt_bytecode(self) -> bool:
        """Keep compiled files that have come. Returns whether all else is untouched."""
        folders, files = self.scan()
        for path in folders:
            if path not in self.folders and os.path.basename(path) == "__pycache__":
                self.folders[path] = self.read_mode(path)
        for path in files:
            if path not in self.files and COMPILED.search(path):
                self.files[path], self.stats[path] = self.load_file(path), files[path]
        return set(folders) == set(self.folders) and files == self.stats

    def restore(self) -> bool:
        """Put everything back. Returns whether the tree is as it was."""
        try:
            folders, files = self.scan()
            for path in files:
                if path not in self.files:
                    remove_path(os.path.join(self.root, path))
            # Children stand after their parents: from the end all are empty by now.
            for path in reversed(folders):
                if path not in self.folders:
                    os.rmdir(os.path.join(self.root, path))
            for path in self.folders:
                os.makedirs(os.path.join(self.root, path), exist_ok=True)
            changed = [path for path in self.files if files.get(path) != self.stats[path]]
            # ``ctime`` is in a signature: nobody can set it back, as one can the other times.
            spoilt = [path for path in changed if not self.put_back(path, path in files)]
            for path, mode in self.folders.items():
                if self.read_mode(path) != mode:
                    os.chmod(os.path.join(self.root, path), mode)
            return not spoilt
        except OSError:
            return False

    def put_back(self, path: str, present: bool) -> bool:
        """Put one file back that may have changed. Returns whether it is as it was."""
        kept = self.files[path]
        if not present or self.load_file(path) != kept:
            full = os.path.join(self.root, path)
            remove_path(full)
            if kept[0] == "link":
                os.symlink(kept[1], full)
            elif kept[0] != "other":
                with open(full, "wb") as file:
                    file.write(kept[1])
                os.chmod(full, kept[0])
                os.utime(full, ns=(self.stats[path][2], self.stats[path][2]))
        self.stats[path] = self.read_signature(path)
        return kept[0] != "other" and self.load_file(path) == kept


def file_signature(found: os.stat_result) -> tuple[int, ...]:
    """What tells that a file was touched."""
    return (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def remove_path(path: str) -> None:
    """Remove a file, link or folder. Raises OSError when something of it stays."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


class ScratchFolders:
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
                    remove_path(os.path.join(folder, name))
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
    # With a namespace of our own (ipc) there is nothing of another's here.
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

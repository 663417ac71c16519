"""Which files of a folder count: a checkout's tracked and new ones, or a plain folder's sources."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.errors import SourceError
from storage.git import GitError, git
from storage.paths import is_store

LEFT_OUT_FOLDERS = re.compile(
    r"__pycache__|node_modules|\.(git|hg|svn|venv|tox|nox|eggs|hypothesis|ipynb_checkpoints|uv)"
    r"|\.(pytest|mypy|ruff|import_linter)_cache|.*\.egg-info"
)
LEFT_OUT_FILES = re.compile(r".*\.py[co]|\.coverage(\..*)?|\.git|\.DS_Store")
EXECUTABLE, LINK = "100755", "120000"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEntry:
    """One file or link, by its path below the folder."""

    path: str
    mode: str

    def read_content(self, folder: Path) -> bytes:
        """Return a file's content, or a link's target."""
        place = folder / self.path
        if self.mode == LINK:
            return os.fsencode(os.readlink(place))  # noqa: PTH115 (Path would drop a leading "./")
        return place.read_bytes()


def list_files(folder: Path) -> list[FolderEntry]:
    """Return what belongs to a snapshot, sorted by path. Raises SourceError."""
    return _list_entries(folder, _checkout_paths(folder) or set(_plain_paths(folder)))


def _list_entries(folder: Path, paths: Iterable[str]) -> list[FolderEntry]:
    entries = [entry for path in paths for entry in _entries(folder, path)]
    return sorted(entries, key=lambda entry: os.fsencode(entry.path))


def _checkout_paths(folder: Path) -> set[str]:
    """Return the files of a git checkout; none when the folder is not (part of) one."""
    try:
        tracked = _ls_files(folder, "--cached")
        untracked = _ls_files(folder, "--others", "--exclude-standard")
    except GitError:
        return set()
    return tracked | {
        path for path in untracked if not path.endswith("/") and not _left_out(folder, path)
    }


def _ls_files(folder: Path, *options: str) -> set[str]:
    listed = git("ls-files", "-z", *options, cwd=folder)
    return {os.fsdecode(path) for path in listed.split(b"\0")[:-1]}


def _plain_paths(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        here = Path(parent)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [
            name for name in folders if name not in links and not _left_out_folder(here / name)
        ]
        if here == folder:
            folders[:] = [name for name in folders if not _build_leftovers(here / name)]
        for name in files + links:
            if not _left_out_file(here / name):
                yield os.path.relpath(here / name, folder)


def _refuse(error: OSError) -> None:
    raise SourceError(f"{error.filename} cannot be read: {error.strerror}") from error


def _left_out(folder: Path, path: str) -> bool:
    place = folder / path
    parents = list(Path(path).parents)[:-1]
    return _left_out_file(place) or any(_left_out_folder(folder / part) for part in parents)


def _left_out_folder(place: Path) -> bool:
    return bool(LEFT_OUT_FOLDERS.fullmatch(place.name)) or (place / "pyvenv.cfg").exists()


def _left_out_file(place: Path) -> bool:
    if LEFT_OUT_FILES.fullmatch(place.name):
        return True
    main = place.with_name(re.sub(r"-(wal|shm|journal)$", "", place.name))
    return main.is_file() and not main.is_symlink() and is_store(main)


def _build_leftovers(place: Path) -> bool:
    """Say whether this is what a build of a Python package left behind."""
    if place.name == "build":
        return any(
            (place / "lib").is_dir() or child.name.startswith(("bdist.", "lib."))
            for child in place.iterdir()
        )
    return place.name == "dist" and all(
        child.name.endswith((".whl", ".tar.gz", ".zip")) for child in place.iterdir()
    )


def _entries(folder: Path, path: str) -> Iterable[FolderEntry]:
    """Return the entry of a path; for a submodule those below it; none for what is gone."""
    place = folder / path
    try:
        status = place.lstat()
    except FileNotFoundError:
        return []
    if stat.S_ISLNK(status.st_mode):
        return [FolderEntry(path=path, mode=LINK)]
    if stat.S_ISDIR(status.st_mode):
        paths = _checkout_paths(place) if (place / ".git").exists() else _plain_paths(place)
        return [
            FolderEntry(path=f"{path}/{entry.path}", mode=entry.mode)
            for entry in _list_entries(place, paths)
        ]
    if stat.S_ISREG(status.st_mode):
        executable = status.st_mode & stat.S_IXUSR
        return [FolderEntry(path=path, mode=EXECUTABLE if executable else "100644")]
    return []

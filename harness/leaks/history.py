"""What the git of a work tree tells: it may hold one commit, and nothing of what came before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from storage.git import GitError, git
from storage.scratch import scratch_folder

KEPT = re.compile(
    r"(?:HEAD|config|packed-refs|FETCH_HEAD|ORIG_HEAD|MERGE_HEAD|commondir|gitdir"
    r"|(?:refs|logs|objects|modules|worktrees|lost-found)/.*)"
)
OBJECT = re.compile(r"objects/(?:[0-9a-f]{2}/[0-9a-f]{38,62}|pack/pack-[\w-]+\.(?:pack|idx))")
REMOTE = re.compile(rb"^\s*\[\s*remote\b", re.M)
BRANCHES = "refs/heads/"

Files = Mapping[str, bytes]
"""Files of one git directory, by their paths in it."""
Object = tuple[str, str, bytes]
"""Kind, name and content."""


def split_git_path(path: str) -> tuple[str, str] | None:
    """Return the git directory that a file is in, and its path there; None for other files."""
    parts = PurePosixPath(path).parts
    for at, part in enumerate(parts):
        inside = "/".join(parts[at + 1 :])
        if part.endswith(".git") and inside and KEPT.fullmatch(inside):
            return "/".join(parts[: at + 1]), inside
    return None


def faults(files: Files, objects: list[Object]) -> Iterator[tuple[str, str]]:
    """Yield what the git of a solver's work tree must not have: kind and detail."""
    commits = [name for kind, name, _ in objects if kind == "commit"]
    if len(commits) != 1:
        yield "git-commits", f"{len(commits)} commits, not one"
    if REMOTE.search(files.get("config", b"")):
        yield "git-remote", "a remote is configured"
    refs = [path for path in files if path.startswith("refs/") and files[path].strip()]
    packed = [line.split() for line in files.get("packed-refs", b"").splitlines()]
    refs += [os_text(words[1]) for words in packed if len(words) == 2 and words[0][:1] not in b"#^"]
    others = sorted({ref for ref in refs if not ref.startswith(BRANCHES)})
    if others or len(set(refs)) > 1:
        yield "git-refs", f"refs besides one branch: {', '.join(others or sorted(set(refs)))}"
    for path in sorted(files):
        if path.startswith("logs/") and files[path].strip():
            yield "git-reflog", path
        elif path in ("FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD"):
            yield "git-past", path
        elif path.startswith(("modules/", "worktrees/", "lost-found/")):
            yield "git-second", path
        elif path in ("objects/info/alternates", "objects/info/http-alternates"):
            yield "git-alternates", path


def os_text(data: bytes) -> str:
    """Return a name as text."""
    return data.decode("utf-8", "replace")


def objects_of(files: Files) -> list[Object]:
    """Return all objects of a git directory, those that nothing leads to included.

    The directory is made anew of its objects alone: its settings and hooks are not trusted.
    Raises GitError where they cannot be read.
    """
    with scratch_folder() as folder:
        place = folder
        git("init", "--quiet", "--bare", "--template=", place)
        for path, content in files.items():
            if OBJECT.fullmatch(path):
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(content)
        for pack in sorted(place.glob("objects/pack/*.pack")):
            if not pack.with_suffix(".idx").exists():
                git("index-pack", pack, cwd=place)
        return parse_objects(git("cat-file", "--batch-all-objects", "--batch", cwd=place))


def parse_objects(answer: bytes) -> list[Object]:
    """Read what ``git cat-file --batch`` answers."""
    found: list[Object] = []
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        name, kind, size = answer[at:end].split()
        start, at = end + 1, end + 2 + int(size)
        found.append((kind.decode(), name.decode(), answer[start : at - 1]))
    return found


def read_objects(files: Files) -> tuple[list[Object], str]:
    """Return the objects, and why they cannot be read where that is so."""
    try:
        return objects_of(files), ""
    except GitError as error:
        return [], str(error)

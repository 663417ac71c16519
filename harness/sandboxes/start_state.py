"""What a tree's own git tells: one commit, no remote, nothing of what came before."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from storage.git import git
from storage.trees import SIGNATURE


def make_repository(tree: Path, files: list[str]) -> None:
    """Make a tree a git repository of one commit that holds ``files``; the rest is ignored.

    The same files give the same commit on any machine. Without git the tree stays as it is.
    """
    if shutil.which("git") is None:
        return
    git("init", "--quiet", "--template=", "--initial-branch=main", tree)
    listed = b"".join(os.fsencode(path) + b"\0" for path in files if os.path.lexists(tree / path))
    git(
        "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul",
        cwd=tree, stdin=listed, env={"GIT_LITERAL_PATHSPECS": "1"},
    )  # fmt: skip
    git("commit", "--quiet", "--allow-empty", "-m", "Start", cwd=tree, env=SIGNATURE)
    shutil.rmtree(tree / ".git" / "logs", ignore_errors=True)
    left = git("ls-files", "--others", "--exclude-standard", "--directory", "-z", cwd=tree)
    exclude = tree / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_bytes(b"".join(b"/" + escape(path) + b"\n" for path in left.split(b"\0") if path))


def escape(path: bytes) -> bytes:
    """Quote what has a meaning in an ignore file."""
    return b"".join(b"\\" + bytes([c]) if c in b"\\*?[!# " else bytes([c]) for c in path)


def files_of(folder: Path) -> list[str]:
    """Paths of all files and links below a folder, leaving out anything of git's own."""
    found = []
    for current, folders, names in os.walk(folder):
        base = Path(current)
        links = [name for name in folders if (base / name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git" and name not in links]
        found += [str((base / n).relative_to(folder)) for n in (*names, *links) if n != ".git"]
    return sorted(found)

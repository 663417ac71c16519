"""Git checkouts to try on."""

from __future__ import annotations

from pathlib import Path

from storage.git import git, line

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org")


def make_checkout(folder: Path, files: dict[str, bytes]) -> Path:
    """Make a git checkout with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", folder)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    """Commit everything, and return the commit."""
    git("add", "--all", cwd=folder)
    git(*IDENTITY, "commit", "--quiet", "--message", "change", cwd=folder)
    return line("rev-parse", "HEAD", cwd=folder)

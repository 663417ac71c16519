"""Where the runner itself lies, and which files and modules belong to the work tree."""

from __future__ import annotations

import os
from typing import Any

ARCHIVE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""What Python is started with: the folder of this package is the archive's only one."""


FOLDER = "BUGFOUNDRY_FOLDER"
"""Names the working folder below the root of the tree; the root itself where it is not set."""


def find_folder(root: str) -> str:
    """Return where pytest is started."""
    return os.path.join(root, os.environ.get(FOLDER, ""))


def find_prefix(root: str, base: str) -> str:
    """Return what ids of tests lack that pytest gives relative to ``base``: theirs are the tree's.

    Empty where that is the root, or lies elsewhere.
    """
    path = os.path.relpath(os.path.realpath(base), os.path.realpath(root))
    return "" if path == "." or path.split(os.sep)[0] == ".." else path.replace(os.sep, "/") + "/"


class TreePaths:
    """Tells which files lie within the tree."""

    def __init__(self, root: str) -> None:
        self.root = os.path.join(os.path.realpath(root), "")
        self.folder = find_folder(self.root)
        self.known: dict[str, str] = {}

    def inside(self, name: str) -> str:
        """A path relative to the tree, empty for what lies outside."""
        found = self.known.get(name)
        if found is None:
            found = self.known[name] = self.make_relative(name)
        return found

    def make_relative(self, name: str) -> str:
        """Work out what ``inside`` says: code names its file in every way there is."""
        if name.startswith("<"):
            return ""
        full = name if os.path.isabs(name) else os.path.join(self.folder, name)
        full = os.path.normpath(full)
        if not full.startswith(self.root):
            full = os.path.realpath(full)
        return full[len(self.root) :] if full.startswith(self.root) else ""


def is_of_tree(module: Any, root: str) -> bool:
    """Say whether a module was loaded from the tree."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and os.path.realpath(file).startswith(root)

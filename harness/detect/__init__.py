"""Detect how a repository is installed and tested, from its files alone."""

from harness.detect.planning import plans
from harness.tree import FolderTree, Tree

__all__ = ["FolderTree", "Tree", "plans"]

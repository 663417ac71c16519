"""Detect how a repository is installed and tested, from its files alone."""

from harness.detect.plan_order import plans
from harness.detect.tree import FolderTree, RepositoryTree

__all__ = ["FolderTree", "RepositoryTree", "plans"]

"""Detect how a repository is installed and tested, from its files alone."""

from harness.detect.plan_order import plans
from harness.detect.tree import FolderTree, Tree

__all__ = ["FolderTree", "Tree", "plans"]

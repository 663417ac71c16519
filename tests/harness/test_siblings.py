"""Packages of the tree beside the one that is tested, in an image."""

from __future__ import annotations

from harness.sandboxes.docker_layers import list_siblings
from storage.records import FOLDER, Plan


def test_other_packages_of_the_tree_are_installed_again() -> None:
    plan = Plan(
        name="p", python="3.11", install=(("-e", ".[test]"),), env=((FOLDER, "services/widgets"),)
    )
    frozen = [
        "-e file:///testbed/services/widgets",
        "-e file:///testbed/services/shared",
        "tools @ file:///testbed/my%20tools",
        "wheel @ file:///tmp/bugfoundry/wheel.whl",
        "pytest==8.0",
    ]

    assert list_siblings(frozen, plan) == [
        ["-e", "/testbed/services/shared"],
        ["/testbed/my tools"],
    ]

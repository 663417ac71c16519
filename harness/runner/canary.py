"""A test that has to fail, run after the others: where it passes, so may any that should not.

Code under test runs in the process that runs the tests, and can change pytest there.
"""

from __future__ import annotations

import os
import sys
import unittest
from typing import Any

NAME = "bugfoundry-canary"
CANARY = "::" + NAME
"""Id of that test, which lies in no file."""


class CanaryPlugin:
    """Runs the test once all that were asked for have ended, in each process that runs some."""

    def __init__(self, reports: Any) -> None:
        self.reports = reports
        self.left: int | None = None
        self.tools = {key: (found, code_of(found)) for key, found in list_tools().items()}

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """Run it after the last test; in a fork of one test after that one."""
        if nodeid == CANARY:
            return
        copies = self.reports.copies
        if self.reports.isolate:
            is_last = not copies.get(self.reports.find_id(nodeid))
        else:
            known = sum(map(len, copies.values())) if self.left is None else self.left - 1
            self.left = known
            is_last = known == 0
        if is_last and (self.has_other_tools() or run_canary(self.reports)):
            self.reports.send(event="forged")

    def has_other_tools(self) -> bool:
        """Say whether code of the tree, its tests apart, changed what tests assert by."""
        now = list_tools()
        return any(
            (now.get(key) is not found or code_of(found) is not code)
            and is_own_code(now.get(key), self.reports.root)
            for key, (found, code) in self.tools.items()
        )


def list_tools() -> dict[tuple[str, str], Any]:
    """Return what tests assert by: pytest's public names, and the assertions of unittest."""
    import pytest

    found = {("pytest", name): vars(pytest).get(name) for name in pytest.__all__}
    for name, function in vars(unittest.TestCase).items():
        if name.startswith(("assert", "fail")) or name == "run":
            found["unittest", name] = function
    return found


def code_of(found: Any) -> Any:
    """Return the code of a function; None for all else."""
    return getattr(found, "__code__", None)


def is_own_code(found: Any, root: str) -> bool:
    """Say whether a thing that stands in another's place is none of a plugin or of the tests."""
    code = code_of(found)
    module = sys.modules.get(str(getattr(found, "__module__", "")))
    place = code.co_filename if code is not None else getattr(module, "__file__", "") or ""
    inside = os.path.realpath(place).startswith(os.path.join(os.path.realpath(root), ""))
    if not inside:
        return "site-packages" not in place and "dist-packages" not in place
    names = os.path.relpath(os.path.realpath(place), os.path.realpath(root)).split(os.sep)
    is_test = names[-1].startswith("test") or names[-1] == "conftest.py"
    return not (is_test or {"test", "tests"}.intersection(names[:-1]))


def run_canary(reports: Any) -> bool:
    """Run the test, and say whether it passed. What keeps it from being run is no sign of it."""
    try:
        item = make_canary(reports.session_of_tests)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    except BaseException:
        # A conftest's hooks may know no other tests than its own.
        return False
    return bool(reports.canary_outcome == "passed")


def make_canary(session: Any) -> Any:
    """Make a function of pytest's own kind that asks for no fixture, not even for those of all."""
    import pytest

    item: Any = pytest.Function.from_parent(session, name=NAME, callobj=fail)
    del item.fixturenames[:]
    return item


def fail() -> None:
    """Fail."""
    raise AssertionError("this has to fail")

"""A test that has to fail, run after the others: where it passes, so may any that should not.

Code under test runs in the process that runs the tests, and can change pytest there.
"""

from __future__ import annotations

from typing import Any

NAME = "bugfoundry-canary"
CANARY = "::" + NAME
"""Id of that test, which lies in no file."""


class CanaryPlugin:
    """Runs the test once all that were asked for have ended, in each process that runs some."""

    def __init__(self, reports: Any) -> None:
        self.reports = reports
        self.left: int | None = None

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
        if is_last and run_canary(self.reports):
            self.reports.send(event="forged")


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

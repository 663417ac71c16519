"""The plans of one tree, made again where a Python turns out not to be had."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.detect import plans
from harness.detect.config import Overrides
from harness.detect.tree import RepositoryTree
from storage.errors import EnvironmentFailed
from storage.records import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Make the plans of a tree, and others where a Python turns out not to be had."""

    tree: RepositoryTree
    overrides: Overrides
    version: str
    at_hand: tuple[str, ...]
    pythons: tuple[str, ...]

    def plan(self) -> tuple[Plan, ...]:
        """Return the plans. Raises EnvironmentFailed."""
        return self._plan_for(self.pythons)

    def replan(self, missing: Collection[str]) -> tuple[Plan, ...]:
        """Return plans without these Pythons: where one cannot be downloaded, none may be.

        None where a person asked for the Python.
        """
        if self.overrides.python is not None:
            return ()
        for offered in (self.at_hand, self.pythons):
            with suppress(EnvironmentFailed):
                return self._plan_for([python for python in offered if python not in missing])
        return ()

    def _plan_for(self, pythons: Sequence[str]) -> tuple[Plan, ...]:
        return plans(self.tree, pythons=pythons, overrides=self.overrides, version=self.version)

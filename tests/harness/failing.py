"""A backend whose builds fail as they are told to, and plans for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from harness.environments.repair_context import RepairContext
from harness.sandboxes.sandbox import BuildFailed
from storage.records import Environment, Plan, Repository
from tests.furniture.project import write_project
from tests.harness.plain import PlainBackend, make_environment

SOURCE = ("-o", "pythonpath=src")
FIRST = Plan(name="first", python="3.11", install=(("-e", "."),), pytest_args=SOURCE)
REPOSITORY = Repository(owner="o", name="shop", commit="c" * 40, tree="t" * 40, source="./shop")
NOTHING_KNOWN = RepairContext(today=date(2026, 6, 1))


class Failing(PlainBackend):
    """Fails as scripted for each plan; builds the others."""

    def __init__(self, folder: Path, failures: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(write_project(folder / "shop"), folder / "places")
        self._failures = failures

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        if plan.name in self._failures:
            raise BuildFailed(*self._failures[plan.name])
        return make_environment(plan)

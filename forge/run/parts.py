"""The concrete parts of a run: what ``forge/compose.py`` chooses and hands down.

Use cases name no engine, sandbox or model: they are given these makers, so that the command line,
the service and a job of GitHub Actions differ in one place only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from forge.run.context import Engine
from forge.run.settings import Settings
from harness.judge.trust import Audits
from harness.judge.worker import Files
from harness.runs.selection import Coverage
from harness.runs.suite import SuiteRun as SuiteRun
from harness.sandboxes.sandbox import Backend, SandboxLimits
from llm.client import Model
from llm.configuration import Mode
from storage.records import Baseline, Bug, Environment
from storage.store import Store


class BackendMaker(Protocol):
    """Choose where a repository's code runs. Raises SandboxError."""

    def __call__(
        self,
        kind: Literal["auto", "docker", "local"],
        *,
        cache: Path,
        base_image: str | None = None,
        isolated: bool = False,
    ) -> Backend: ...


class MachineEngine(Engine, Protocol):
    """An engine on this machine: it can also run tests without giving a verdict."""

    tests_run: int
    """Results of tests so far."""

    async def messages(self, files: Files, tests: Collection[str]) -> dict[str, str]:
        """Return what failing tests say with these files. Raises SandboxError."""

    async def run_files(self, files: Files, *, tests: Collection[str] | None = None) -> SuiteRun:
        """Run the suite with these files in a fresh sandbox. Raises SandboxError."""


class EngineMaker(Protocol):
    """Make the engine of this machine; ``LocalEngine`` says what each argument is."""

    def __call__(
        self,
        backend: Backend,
        environment: Environment,
        baseline: Baseline,
        *,
        workers: int,
        read: Callable[[str], bytes | None],
        limits: SandboxLimits,
        coverage: Coverage | None = None,
        judged: int = 0,
        audits: Audits | None = None,
        on_disagreement: Callable[[str], None] = ...,
        on_start: Callable[[Bug], None] = ...,
        on_messages: Callable[[str, Mapping[str, str]], None] | None = None,
    ) -> MachineEngine: ...


class ModelMaker(Protocol):
    """Make the language model that a person configured; None where there is none."""

    def __call__(
        self,
        settings: Settings,
        store: Store,
        *,
        repository: str = "",
        strategy: str = "",
        mode: Mode = "ask",
    ) -> Model | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Makers of all that is concrete."""

    make_backend: BackendMaker
    make_engine: EngineMaker
    make_model: ModelMaker

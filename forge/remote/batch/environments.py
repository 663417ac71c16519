"""An environment on its way: what a job needs to judge in it just as this machine would."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from pathlib import Path

from forge.remote.batch.line_files import convert, read_lines, write_lines
from forge.run.nouns import format_count
from harness.environments.trials import PreparedEnvironment
from harness.runs.coverage import decode, encode
from harness.runs.selection import Coverage
from storage.errors import BatchError
from storage.records import Baseline, Environment, PlanAttempt, Repository
from storage.store import Store

KIND = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A repository's environment with its baseline and what its tests were seen to run."""

    repository: Repository
    environment: Environment
    baseline: Baseline
    coverage: Coverage | None = None
    """None where every test is run."""
    image: str = ""
    """Where its image can be pulled, by digest; empty where it has to be built."""
    attempts: tuple[PlanAttempt, ...] = ()
    """What was tried to get it."""

    @property
    def mode(self) -> str:
        """How bugs are judged in it."""
        return "full" if self.coverage is None else "selected"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFileHeader:
    """What names it."""

    repository: Repository
    environment: Environment
    image: str
    attempts: tuple[PlanAttempt, ...]
    coverage: str
    """Base64 of what ``harness/runs/coverage.py`` encodes; empty for none."""


def pack(
    repository: Repository,
    prepared: PreparedEnvironment,
    image: str,
    store: Store,
    *,
    full: bool = False,
) -> Packed:
    """Return an environment as it travels."""
    environment = prepared.environment
    return Packed(
        repository=repository,
        environment=environment,
        baseline=prepared.baseline,
        coverage=None if full else prepared.coverage,
        image=image,
        attempts=tuple(store.attempts(environment.tree, environment.sandbox)),
    )


def environment_lines(packed: Packed) -> list[object]:
    """Return the lines of the file that holds it."""
    coverage = b"" if packed.coverage is None else encode(packed.coverage)
    head = EnvironmentFileHeader(
        repository=packed.repository,
        environment=packed.environment,
        image=packed.image,
        attempts=packed.attempts,
        coverage=base64.b64encode(coverage).decode(),
    )
    return [head, packed.baseline]


def write_environment(folder: Path, packed: Packed) -> str:
    """Write it as a file, and return the name."""
    return write_lines(folder, KIND, environment_lines(packed))


def read_environment(path: Path) -> Packed:
    """Read what ``write_environment`` wrote. Raises BatchError."""
    lines = list(read_lines(path, KIND))
    if len(lines) != 2:
        raise BatchError(f"{path.name} holds {format_count(len(lines), 'line')} instead of two")
    head = convert(lines[0], EnvironmentFileHeader, path.name)
    baseline = convert(lines[1], Baseline, path.name)
    if baseline.environment != head.environment.id:
        raise BatchError(f"{path.name}: the baseline is another environment's")
    return Packed(
        repository=head.repository,
        environment=head.environment,
        baseline=baseline,
        coverage=decode_coverage(head.coverage, path.name),
        image=head.image,
        attempts=head.attempts,
    )


def decode_coverage(coverage: str, what: str) -> Coverage | None:
    """Return the coverage that was packed. Raises BatchError where it is of another version."""
    if not coverage:
        return None
    try:
        found = decode(base64.b64decode(coverage, validate=True))
    except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise BatchError(f"{what}: what the tests run cannot be read: {error}") from error
    if found is None:
        raise BatchError(
            f"{what}: what the tests run was written by another version of bugfoundry; use the "
            "same on both sides"
        )
    return found

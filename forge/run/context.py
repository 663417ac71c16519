"""The two shapes the pipeline knows: a source of bugs, and an engine that judges them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from mutators.transcription import Transcription
from storage.records import Bug, Environment, Repository, Verdict
from syntax.features.profile import Profile

Compiles = Callable[[list[str]], list[bool]]
"""Say of each Python source whether it compiles under the environment's own Python."""


Verified = tuple[Bug, Verdict]
"""A bug with a valid verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCode:
    """What bugs can be made in."""

    files: Mapping[str, bytes]
    """The source files that may be changed: path to content. Tests are not among them."""
    modes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(SourceCode):
    """What a source may know when it proposes bugs."""

    repository: Repository
    environment: Environment
    seed: int
    max_bugs: int | None
    operators: frozenset[str] | None
    """Names of the operators to use; all when None."""
    profile: Profile | None = None
    """Draw procedural bugs by how much they look like people's; None draws them evenly."""
    compiles: Compiles | None
    """May be called from a thread only; None where the running Python is the environment's."""
    tests: tuple[str, ...] = ()
    """Ids of the tests that pass in the baseline: bugs are made in the code, not in them."""
    transcription: Transcription | None = None
    """The files as UTF-8; None where it is still to be made."""
    judge: Callable[[Bug], Awaitable[Verdict]] | None = None
    """Has a bug judged at once: for sources that learn from execution."""
    wait_for_valid: Callable[[], Awaitable[list[Verified]]] | None = None
    """The valid bugs of the tree with their verdicts, once all that was proposed is judged."""


class Source(Protocol):
    """Proposes bugs: deterministic for a given context."""

    def __call__(self, context: Context) -> AsyncGenerator[Bug, None]: ...


class Engine(Protocol):
    """Judges bugs, and yields each verdict as it is known, in any order."""

    mode: str
    """How it judges; a verdict is one of its environment, rules and mode."""
    screened: Counter[str]
    """How many bugs were screened in which way."""

    def judge(self, bugs: AsyncIterator[Bug]) -> AsyncGenerator[Verdict, None]: ...

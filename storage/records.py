"""The records every room speaks in: frozen values, identified by their content.

All are plain dataclasses that msgspec can encode and decode. Identity is by content, so that
whatever was paid for once (a build, a verdict) is found again under the same key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Strategy = Literal["mirror", "procedural", "rewrite", "modify", "combine"]
SandboxKind = Literal["docker", "local"]
Outcome = Literal[
    "passed", "failed", "error", "skipped", "xfailed", "missing", "timeout", "crashed"
]

RED: frozenset[Outcome] = frozenset({"failed", "error", "missing", "timeout", "crashed"})
"""Outcomes that count against a test that passed in the baseline (skipped and xfailed do not)."""


def digest(*parts: str) -> str:
    """Return the sha256 (hex) of strings, unambiguous about where one ends."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A codebase at one commit.

    ``commit`` is the upstream commit when the tree is exactly that commit's, else the
    deterministic orphan commit of the tree. ``tree`` is the git tree hash of the files used.
    """

    owner: str
    name: str
    commit: str
    tree: str
    source: str
    date: str = ""
    """ISO date of the commit, empty when unknown."""
    version: str = ""
    """Version to tell build backends that ask version control, empty when unknown."""
    root: str = ""
    """First commit of its main line, which forks share and renames keep; empty when unknown."""

    @property
    def key(self) -> str:
        return f"{self.owner}/{self.name}@{self.commit}"


FOLDER = "BUGFOUNDRY_FOLDER"
"""Variable of a plan that names its working folder, below the root of the tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a repository could be installed and tested; a guess until a baseline proved it."""

    name: str
    """What a person reads, for instance ``pyproject group 'test'``."""
    python: str
    """Version as ``3.11``."""
    install: tuple[tuple[str, ...], ...]
    """Steps: each the arguments of one ``uv pip install``, run in the work tree."""
    pytest_args: tuple[str, ...] = ()
    """Arguments for pytest: paths to collect and options to keep."""
    env: tuple[tuple[str, str], ...] = ()
    """Environment variables for install and tests, sorted by name."""
    notes: tuple[str, ...] = ()
    """What of the repository's own settings was overridden, and why."""
    system: tuple[str, ...] = ()
    """Debian packages it needs, sorted."""
    exclude_newer: str = ""
    """ISO date: distributions uploaded later are not used; empty for no such limit."""
    because: str = ""
    """What an earlier plan's failure said that led to this one; empty for a plan of its own."""

    @property
    def folder(self) -> str:
        """Where it is installed and tested, below the root; empty for the root itself."""
        return dict(self.env).get(FOLDER, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAttempt:
    """One plan that was tried, and what came of it."""

    plan: Plan
    ok: bool
    reason: str = ""
    """Named reason: ``install-failed``, ``no-tests``, ``too-few-pass``, ``python-unavailable`` …"""
    detail: str = ""
    """The end of the log, bounded."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An installed repository that can run its tests, shared by all its bugs."""

    tree: str
    plan: Plan
    sandbox: SandboxKind
    python: str
    """Full version of the interpreter, as ``3.11.7``."""
    lock: str
    """Resolved distributions, one ``name==version`` a line."""
    base: str
    """Digest of the base image; for the local sandbox the interpreter's identity."""
    arch: str
    handle: str
    """Where it is: image id, or name of the folder in the cache."""
    seconds: float = 0.0
    """How long building it took; what was found again keeps its first time."""
    size: int = 0
    """Bytes on disk, beyond the base image's."""

    @property
    def id(self) -> str:
        parts = [self.plan.python, self.plan.install, self.plan.pytest_args, self.plan.env]
        plan = json.dumps([*parts, self.plan.system] if self.plan.system else parts)
        return digest(self.tree, plan, self.lock, self.base, self.arch)[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineTest:
    """One test on the unbroken code."""

    id: str
    outcome: Outcome
    """As in the first run."""
    seconds: float
    set_aside: str = ""
    """Why it can serve in no list (``unstable``, ``company-only``, ``needs-network`` …); empty when
    it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the tests said of the unbroken code, over several runs; tests in collection order."""

    environment: str
    tests: tuple[BaselineTest, ...]
    seconds: float
    """Wall clock of one whole run in one process."""
    runs: int

    @property
    def green(self) -> tuple[str, ...]:
        """Ids of the tests that passed every time, in company and alone, in collection order."""
        return tuple(t.id for t in self.tests if t.outcome == "passed" and not t.set_aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file after the change. ``sha256`` is empty when the file is deleted."""

    path: str
    mode: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a bug came from."""

    strategy: Strategy
    operator: str = ""
    path: str = ""
    entity: str = ""
    """Qualified name inside the file, as ``Class.method``; empty at module level."""
    line: int = 0
    """First changed line, from 1, in the unbroken file."""
    seed: int = 0
    commit: str = ""
    """Of a mirrored bug: the commit of the fix that is undone."""
    pull: int = 0
    """Of a mirrored bug: the number of the pull request, 0 when not known."""
    undone: float = 0.0
    """Of a mirrored bug: how much of the fix is undone, from 0 to 1."""
    parents: tuple[str, ...] = ()
    """Of a combined bug: the ids of the bugs that it joins, sorted."""
    model: str = ""
    """The language model that made it, where one did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A patch meant to break tests when applied to the tree; the patch introduces the bug."""

    tree: str
    patch: str
    """Unified diff as ``git apply`` takes it. Bytes of the files, decoded with surrogateescape."""
    changes: tuple[FileChange, ...]
    origin: Origin

    @property
    def id(self) -> str:
        return bug_id(self.tree, self.changes)


def bug_id(tree: str, changes: Iterable[FileChange]) -> str:
    """Identify a bug by what the files are after it: the same wound found twice is one bug."""
    lines = sorted(f"{c.path}\0{c.mode}\0{c.sha256}" for c in changes)
    return digest(tree, *lines)[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What execution said of a bug. ``reason`` is ``valid`` or why it is not."""

    bug: str
    environment: str
    harness: str
    """Version of the judging rules."""
    mode: str
    """How it was judged: ``full`` is the whole suite."""
    reason: str
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    spilled: tuple[str, ...] = ()
    seconds: float = 0.0
    detail: str = ""
    kinds: tuple[tuple[str, int], ...] = ()
    """How many of FAIL_TO_PASS were red in which way: an outcome, or ``import`` where the test said
    that an import failed; sorted by name. Empty where it was not noted."""

    @property
    def valid(self) -> bool:
        return self.reason == "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A valid bug with a problem statement, ready to export."""

    id: str
    """``owner__name.commit8.bug_type__hash8``."""
    bug: str
    environment: str
    statement: str
    created: str
    """ISO time in UTC."""
    hints: tuple[str, ...] = ()
    """What people said under the issue before the fix was proposed; no part of the statement."""
    removed: tuple[tuple[str, str], ...] = ()
    """Kind and text of what was taken out of statement and hints, since it gives the fix away."""
    test_patch: str = ""
    """Brings back the tests that a solver does not see; empty when all are seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call to a language model, found again by the digest of what was asked."""

    key: str
    model: str
    purpose: str
    """What it was for, as ``plan``."""
    answer: str
    """JSON of what the model filled in; a string that it said instead; ``null`` for neither."""
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_read_tokens: int
    dollars: float
    seconds: float
    """How long the answer took; 0 for one that came in a batch."""
    created: str = ""
    """ISO time in UTC at which it was sent; empty for calls older than this column."""
    repository: str = ""
    """``owner/name`` that it was made for."""
    strategy: str = ""
    """Whose bugs it was to make; empty for what serves them all."""
    run: str = ""
    batch: str = ""
    """Name of the batch it was answered in; empty for one sent alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Dollars set aside for a call that was sent: the most that it can cost.

    It ends with the call's answer. What was cut off keeps it, since it may have been paid.
    """

    id: str
    key: str
    """Of the call."""
    dollars: float
    created: str
    """ISO time in UTC."""
    repository: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Dollars that the calls of one run, repository or month may cost together."""

    scope: Literal["run", "repository", "month"]
    of: str
    """Which run or repository; the month as ``2026-11``."""
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchedRequest:
    """One request of a batch, and what came of it."""

    key: str
    hold: str
    """Id of the dollars set aside for it."""
    tool: str
    """Name of the form in which the answer is due."""
    purpose: str
    repository: str = ""
    strategy: str = ""
    run: str = ""
    created: str = ""
    outcome: str = ""
    """``succeeded``, ``errored``, ``expired``, ``canceled`` or ``lost``; empty while it is open."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBatch:
    """Requests that were sent together. ``name`` is the service's; empty until it is known."""

    id: str
    model: str
    created: str
    name: str = ""
    rejected: tuple[str, ...] = ()
    """Names of batches that were taken for this one and proved to be others'."""
    requests: tuple[BatchedRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A batch of bugs that was sent to be judged elsewhere."""

    plan: str
    """Id of its plan."""
    repository: str
    """``owner/name`` whose bugs they are."""
    environment: str
    place: str
    """Where it was sent, as ``actions:owner/name``."""
    created: str
    """ISO time in UTC."""
    address: str = ""
    """Where it lies at that place, as a commit; empty until it does."""
    run: str = ""
    """The run that judges it; empty until it is known."""
    state: Literal["planned", "put", "dispatched", "ended"] = "planned"
    attempt: int = 1
    """How often the bugs in it were sent, this time included."""
    bugs: int = 0
    expected: float = 0.0
    """Runner minutes that were expected."""
    used: float = 0.0
    """Runner minutes that were paid."""
    verdicts: int = 0
    valid: int = 0
    ended: str = ""
    """ISO time in UTC."""
    detail: str = ""
    """How it ended, where not as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteLimit:
    """Runner minutes that the batches of a repository, or of a month, may take together."""

    scope: Literal["repository", "month"]
    of: str = ""
    """Which repository; empty for each, and for every month."""
    minutes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStep:
    """What came of one repository of a campaign."""

    campaign: str
    source: str
    state: str
    """``done``, ``failed`` or ``stopped``."""
    attempts: int = 1
    started: str = ""
    """ISO time in UTC at which it was last begun."""
    seconds: float = 0.0
    """Wall clock of all attempts."""
    tasks: int = 0
    verdicts: int = 0
    failure: str = ""
    """Why it is not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said under an issue."""

    author: str
    created: str
    """ISO time in UTC."""
    body: str
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue of a repository; text is empty while only its number is known."""

    repository: str
    """``owner/name``."""
    number: int
    title: str = ""
    body: str = ""
    author: str = ""
    bot: bool = False
    """Opened by a program."""
    created: str = ""
    """ISO time in UTC; empty when the text was not fetched."""
    labels: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()

    @property
    def fetched(self) -> bool:
        return bool(self.created)


Evidence = Literal["closing-reference", "keyword", "changelog", "test", "mention"]
"""What says that a pull request closes an issue, strongest first: GitHub itself, a closing keyword
in a message, a reference in the changelog or a test of the fix, a mere mention (closes nothing)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An issue that a pull request names, and what that rests on."""

    repository: str
    """``owner/name`` of the issue."""
    number: int
    evidence: Evidence
    marks: tuple[str, ...] = ()
    """``late`` when it was opened after the pull request, ``bot`` when a program opened it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A merged pull request, or a fix that the history alone tells of.

    The same record whether GitHub or the clone's history is the source: what the history does not
    tell is empty.
    """

    repository: str
    """``owner/name``."""
    commit: str
    """The commit by which it is in the main branch: merge, squash, or the last one rebased."""
    base: str
    """What it was applied to: ``base..commit`` is its diff."""
    number: int = 0
    """0 when not known."""
    title: str = ""
    body: str = ""
    author: str = ""
    association: str = ""
    """The author's relation to the repository, as GitHub names it (``MEMBER`` …)."""
    bot: bool = False
    branch: str = ""
    """Name of the branch it came from."""
    labels: tuple[str, ...] = ()
    created: str = ""
    """ISO time in UTC, like all times here."""
    merged: str = ""
    updated: str = ""
    files: tuple[str, ...] = ()
    """Paths that it changes, sorted."""
    commits: tuple[str, ...] = ()
    """Its own commits, oldest first."""
    links: tuple[Link, ...] = ()
    """Issues it closes or mentions."""
    origin: Literal["github", "history"] = "github"

    @property
    def closes(self) -> tuple[Link, ...]:
        """The issues it closes, those it only mentions left out."""
        return tuple(link for link in self.links if link.evidence != "mention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirroring:
    """What became of a pull request on one tree."""

    tree: str
    repository: str
    commit: str
    outcome: str
    """``undone``, or the named reason why it was left out or could not be undone."""
    detail: str = ""
    tier: str = ""
    """``apply``, ``three-way``, ``structural`` or ``model``."""
    undone: float = 0.0
    """How much of the fix is undone, from 0 to 1."""
    bug: str = ""
    fix: str = ""
    """The source part of the fix as a diff, where it was undone."""
    tried: str = ""
    """By what it was tried without success, and need not be again; empty where that may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """How far a repository's pull requests were crawled."""

    repository: str
    origin: Literal["github", "history"]
    newest: str = ""
    """Of what is known completely: the last update (from GitHub), or the head (from history)."""
    cursor: str = ""
    """Where a crawl that was cut off goes on; empty when none was."""
    state: str = ""
    """JSON of whatever else the crawl needs to go on."""

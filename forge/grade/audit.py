"""Judge stored verdicts again by the whole suite, and say where that comes to something else.

Selecting tests must never change a verdict. ``forge`` checks that on some bugs as it goes; an
audit checks it afterwards, on a random sample of what is stored, whatever the verdict was.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from forge.run.parts import MachineEngine, Parts
from forge.run.preparation import fetch
from forge.run.progress import Reporter
from forge.run.settings import Settings
from harness.judge.judge import HARNESS_VERSION, agree
from storage.errors import StoreError
from storage.records import (
    Baseline,
    Bug,
    Environment,
    Repository,
    SandboxKind,
    Task,
    Verdict,
    digest,
)
from storage.store import Store
from storage.trees import Trees

SOME, WHOLE = "selected", "full"
"""The modes of the verdicts that are audited, and of those they are held against."""
TIME_OUT = "timeout"
BROKEN = "sandbox-broken"

Kind = Literal["agree", "spilled", "disagree", "time-limit", "sandbox-broken"]
DISAGREEMENTS: frozenset[Kind] = frozenset({"disagree", "time-limit", "sandbox-broken"})
BLAMED: frozenset[Kind] = frozenset({"disagree", "time-limit"})
"""What speaks against selecting tests; a sandbox that broke does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictComparison:
    """A stored verdict beside that of the whole suite."""

    bug: str
    kind: Kind
    stored: str
    """The stored verdict's reason."""
    whole: str
    """The reason by the whole suite."""
    only_stored: tuple[str, ...] = ()
    """FAIL_TO_PASS of the stored verdict alone."""
    only_whole: tuple[str, ...] = ()
    """FAIL_TO_PASS by the whole suite alone."""
    tasks: tuple[str, ...] = ()
    """Tasks that were made of the stored verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRow:
    """The audited verdicts of one stored reason, counted by how they compare."""

    reason: str
    audited: int
    agree: int
    spilled: int
    disagree: int
    time_limit: int
    sandbox_broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found."""

    repository: str
    sandbox: SandboxKind
    environment: str
    seed: int
    asked: int
    """How many verdicts were asked for."""
    stored: int
    """How many there are to draw from."""
    audited: int
    reused: int
    """Of those audited, how many an earlier run had judged by the whole suite."""
    seconds: float
    rows: tuple[ReasonRow, ...]
    spilled: tuple[VerdictComparison, ...]
    """Differences made by nothing but tests that spill or are unstable."""
    disagreements: tuple[VerdictComparison, ...]
    coverage_forgotten: bool
    """Selecting tests is to blame for a disagreement: from here on every test is run."""


def compare(
    stored: Verdict, whole: Verdict, *, set_aside: Collection[str], tasks: Iterable[str] = ()
) -> VerdictComparison:
    """Hold a stored verdict against that of the whole suite; ``set_aside`` is the baseline's."""
    only_stored, only_whole = set(stored.fail_to_pass), set(whole.fail_to_pass)
    return VerdictComparison(
        bug=stored.bug,
        kind=kind_of(stored, whole, set_aside),
        stored=stored.reason,
        whole=whole.reason,
        only_stored=tuple(test for test in stored.fail_to_pass if test not in only_whole),
        only_whole=tuple(test for test in whole.fail_to_pass if test not in only_stored),
        tasks=tuple(tasks),
    )


def kind_of(stored: Verdict, whole: Verdict, set_aside: Collection[str]) -> Kind:
    """Class a pair of verdicts. PASS_TO_PASS is no part of it: the rest is the baseline's."""
    reasons = {stored.reason, whole.reason}
    failing, failing_in_all = set(stored.fail_to_pass), set(whole.fail_to_pass)
    if len(reasons) == 1 and failing == failing_in_all:
        return "agree"
    if BROKEN in reasons:
        return "sandbox-broken"
    if TIME_OUT in reasons:
        return "time-limit"
    return "spilled" if agree(stored, whole, set_aside) else "disagree"


def is_worth_keeping(found: VerdictComparison) -> bool:
    """Say whether the new verdict is worth keeping: not when the machine may be to blame."""
    return found.kind not in DISAGREEMENTS or found.whole not in {TIME_OUT, BROKEN}


def draw_sample(bugs: Iterable[str], count: int, seed: int) -> list[str]:
    """Draw bugs at random: the same for a seed, and a larger sample begins with the smaller."""
    return sorted(bugs, key=lambda bug: digest(str(seed), bug))[:count]


def reason_rows(found: Sequence[VerdictComparison]) -> tuple[ReasonRow, ...]:
    """Count for each stored reason, the commonest first."""
    kinds: defaultdict[str, Counter[Kind]] = defaultdict(Counter)
    for each in found:
        kinds[each.stored][each.kind] += 1
    rows = [
        ReasonRow(
            reason=reason,
            audited=counts.total(),
            agree=counts["agree"],
            spilled=counts["spilled"],
            disagree=counts["disagree"],
            time_limit=counts["time-limit"],
            sandbox_broken=counts["sandbox-broken"],
        )
        for reason, counts in kinds.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.audited, row.reason)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSubject:
    """The repository whose verdicts are audited, and where they were judged."""

    repository: Repository
    environment: Environment
    baseline: Baseline
    bugs: frozenset[str]
    """Those with a verdict by some of the tests."""
    tasks: tuple[Task, ...]
    """Those made in this environment."""


async def audit(
    settings: Settings, *, parts: Parts, sample: int, store: Store, reporter: Reporter
) -> Audit:
    """Judge a sample of the stored verdicts again, in fresh sandboxes, and compare.

    At the first disagreement the environment's coverage is forgotten, so that whatever is judged
    from then on is judged by the whole suite. Raises BugfoundryError when the source, its
    verdicts or the environment they were judged in cannot be had.
    """
    started = time.monotonic()
    trees = Trees(settings.cache)
    reporter.stage(f"fetching {settings.source}")
    subject = find_subject(settings, fetch(settings, trees, store), store)
    engine = await make_engine(settings, subject, trees, parts)
    chosen = draw_sample(subject.bugs, sample, settings.proposals.seed)
    known = store.list_judged_bugs(subject.environment.id, HARNESS_VERSION, WHOLE).intersection(
        chosen
    )
    reporter.stage(f"{subject.repository.name}: judging by the whole suite")
    found: dict[str, VerdictComparison] = {}
    async with aclosing(judge_again(engine, subject, chosen, known, store)) as verdicts:
        async for verdict in verdicts:
            each = found[verdict.bug] = compare_with_stored(subject, verdict, store)
            if each.kind in BLAMED:
                forget_coverage(subject, each, store, reporter)
            if verdict.bug not in known and is_worth_keeping(each):
                store.add_verdict(verdict)
            wrong = sum(other.kind in DISAGREEMENTS for other in found.values())
            text = f"{subject.repository.name}: judging by the whole suite, {wrong} disagree"
            reporter.count(len(found), len(chosen), text)
    compared = [found[bug] for bug in chosen]
    return Audit(
        repository=subject.repository.key,
        sandbox=subject.environment.sandbox,
        environment=subject.environment.id,
        seed=settings.proposals.seed,
        asked=sample,
        stored=len(subject.bugs),
        audited=len(compared),
        reused=len(known),
        seconds=round(time.monotonic() - started, 2),
        rows=reason_rows(compared),
        spilled=tuple(each for each in compared if each.kind == "spilled"),
        disagreements=tuple(each for each in compared if each.kind in DISAGREEMENTS),
        coverage_forgotten=any(each.kind in BLAMED for each in compared),
    )


def find_subject(settings: Settings, repository: Repository, store: Store) -> AuditSubject:
    """Find the environment whose verdicts are audited. Raises StoreError when there are none."""
    source, sandbox = settings.source, settings.environment.sandbox
    kinds: Sequence[SandboxKind] = ("docker", "local") if sandbox == "auto" else (sandbox,)
    there = [found for kind in kinds if (found := store.environment_for(repository.tree, kind))]
    for environment in there:
        bugs = store.list_judged_bugs(environment.id, HARNESS_VERSION, SOME)
        baseline = store.baseline(environment.id)
        if bugs and baseline is not None:
            return AuditSubject(
                repository=repository,
                environment=environment,
                baseline=baseline,
                bugs=frozenset(bugs),
                tasks=tuple(task for task in store.tasks() if task.environment == environment.id),
            )
    where = "" if sandbox == "auto" else f" in the {sandbox} sandbox"
    if not there:
        raise StoreError(
            f"there is no environment{where} of {source} as it is now, so nothing was judged; "
            f"`bugfoundry forge {source}` does"
        )
    kept = any(store.coverage(environment.id) is not None for environment in there)
    why = "`bugfoundry forge` without --full gives such" if kept else "no coverage of it is kept"
    raise StoreError(
        f"no verdict{where} on {source} was given by some of its tests (mode {SOME}) under the "
        f"rules of today ({HARNESS_VERSION}), so there is nothing to audit; {why}"
    )


async def make_engine(
    settings: Settings, subject: AuditSubject, trees: Trees, parts: Parts
) -> MachineEngine:
    """Return an engine that knows no coverage, and so runs every test.

    Raises StoreError when the environment is on this machine no longer.
    """
    environment = subject.environment
    backend = parts.make_backend(environment.sandbox, cache=settings.cache)
    if not await backend.exists(environment):
        raise StoreError(
            f"the environment of {settings.source} is no longer on this machine; `bugfoundry env "
            f"build {settings.source} --sandbox {environment.sandbox}` makes it again"
        )
    return parts.make_engine(
        backend,
        environment,
        subject.baseline,
        workers=settings.validation.workers,
        read=lambda path: trees.read_file(subject.repository.tree, path),
        limits=settings.limits,
    )


async def judge_again(
    engine: MachineEngine,
    subject: AuditSubject,
    chosen: Sequence[str],
    known: Collection[str],
    store: Store,
) -> AsyncGenerator[Verdict, None]:
    """Yield the whole suite's verdicts: those that are stored already, then new ones."""
    for bug in chosen:
        if bug in known:
            yield stored_verdict(store, bug, subject, WHOLE)

    async def stream_unknown() -> AsyncGenerator[Bug, None]:
        for name in chosen:
            if name not in known and (bug := store.bug(name)) is not None:
                yield bug

    async with aclosing(engine.judge(stream_unknown())) as verdicts:
        async for verdict in verdicts:
            yield verdict


def compare_with_stored(subject: AuditSubject, whole: Verdict, store: Store) -> VerdictComparison:
    """Compare a verdict of the whole suite with the one it audits."""
    stored = stored_verdict(store, whole.bug, subject, SOME)
    set_aside = {test.id for test in subject.baseline.tests if test.set_aside}
    tasks = (task.id for task in subject.tasks if stored.valid and task.bug == stored.bug)
    return compare(stored, whole, set_aside=set_aside, tasks=tasks)


def stored_verdict(store: Store, bug: str, subject: AuditSubject, mode: str) -> Verdict:
    """Return a verdict that was there a moment ago. Raises StoreError when it is gone."""
    verdict = store.verdict(bug, subject.environment.id, HARNESS_VERSION, mode)
    if verdict is None:
        raise StoreError(f"the verdict on bug {bug} is no longer in {store.path}; start again")
    return verdict


def forget_coverage(
    subject: AuditSubject, found: VerdictComparison, store: Store, reporter: Reporter
) -> None:
    """Forget it, and say so, where it is not forgotten yet."""
    if store.coverage(subject.environment.id) is not None:
        store.set_coverage(subject.environment.id, None)
        reporter.note(
            f"{subject.repository.name}: bug {found.bug}: {found.stored} by some tests, "
            f"{found.whole} by all; the coverage is forgotten, from here on every test is run"
        )

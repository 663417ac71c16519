"""The report: what no test would notice, told to the maintainers where they want to read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.service.base.scene import Outcome
from bot.service.reports.channels import report_jobs
from bot.service.reports.gaps import GapFacts, Yield, gap_report
from bot.service.reports.ranks import Gap, rank_gaps
from bot.service.stages.base import Stage, make_stage_handler
from bot.service.stages.judge import FULL, SELECTED, UNNOTICED
from forge.run.nouns import format_count
from harness.judge.judge import HARNESS_VERSION
from harness.runs.coverage import decode
from storage.records import Bug, Environment, SandboxKind, Verdict
from storage.store import Store

KINDS: tuple[SandboxKind, ...] = ("docker", "local")
UNJUDGED = "nothing was judged yet"


async def work(stage: Stage) -> Outcome:
    """Have the report stand there, as far as anything was judged."""
    hosted, config = stage.hosted, stage.config
    environment = latest(stage.store, hosted.tree)
    if environment is None:
        return Outcome(note=UNJUDGED)
    bugs = stage.store.bugs(hosted.tree)
    verdicts = best(stage.store, environment.id)
    gaps = find_unnoticed(stage, environment, bugs, verdicts)
    facts = GapFacts(
        name=hosted.name,
        commit=hosted.commit,
        web_url=config.app.web_url,
        public_url=config.serve.public_url,
        yields=yields(bugs, verdicts, stage.store.made_tasks(hosted.tree)),
        tests=tests_of(stage.store, environment.id),
    )
    return Outcome(
        note=f"{format_count(len(gaps), 'bug')} that no test notices",
        jobs=report_jobs(hosted, hosted.commit, gap_report(facts, gaps)),
    )


def latest(store: Store, tree: str) -> Environment | None:
    """Return the environment of a tree: the one whose verdicts are the most."""
    found = [store.environment_for(tree, kind) for kind in KINDS]
    there = [environment for environment in found if environment is not None]
    return max(there, key=lambda one: len(best(store, one.id)), default=None)


def best(store: Store, environment: str) -> dict[str, Verdict]:
    """Return the verdict on each bug, that of a full run where there is one."""
    verdicts: dict[str, Verdict] = {}
    for mode in (SELECTED, FULL):
        found = store.verdicts(environment, HARNESS_VERSION, mode)
        verdicts |= {verdict.bug: verdict for verdict in found}
    return verdicts


def find_unnoticed(
    stage: Stage, environment: Environment, bugs: list[Bug], verdicts: dict[str, Verdict]
) -> list[Gap]:
    """Return what no test noticed in a full run, worst first."""
    kept = stage.store.coverage(environment.id)
    found = [
        bug
        for bug in bugs
        if (verdict := verdicts.get(bug.id)) is not None
        and (verdict.mode, verdict.reason) == (FULL, UNNOTICED)
    ]

    def read_file(path: str) -> bytes | None:
        return stage.trees.read_file(stage.hosted.tree, path)

    return rank_gaps(found, None if kept is None else decode(kept), read_file)


def yields(
    bugs: Collection[Bug], verdicts: Mapping[str, Verdict], tasks: Collection[str]
) -> tuple[Yield, ...]:
    """Count bugs by strategy: those that were judged, and what came of them.

    ``tasks`` are the bugs that became one. A valid bug that became none was joined from others
    only to learn whether each of them matters: it is no result, and is left out.
    """
    counts: dict[str, list[str]] = {}
    for bug in bugs:
        verdict = verdicts.get(bug.id)
        if verdict is not None and (bug.id in tasks or not verdict.valid):
            counts.setdefault(bug.origin.strategy, []).append(verdict.reason)
    return tuple(
        Yield(
            strategy=strategy,
            judged=len(reasons),
            valid=reasons.count("valid"),
            unnoticed=reasons.count(UNNOTICED),
        )
        for strategy, reasons in sorted(counts.items())
    )


def tests_of(store: Store, environment: str) -> int:
    """Return how many tests serve."""
    baseline = store.baseline(environment)
    return 0 if baseline is None else len(baseline.green)


report = make_stage_handler("report", work)

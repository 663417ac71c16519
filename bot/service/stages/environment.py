"""The environment: that of the newest commit where it is due, else the one that serves."""

from __future__ import annotations

from dataclasses import replace

from bot.service.base.scene import Change, Outcome
from bot.service.reports.channels import report_jobs
from bot.service.reports.unbuilt import Tried, make_unbuilt_report
from bot.service.stages.base import Stage, make_stage_handler
from forge.run.preparation import Ready
from harness.environments.diagnosis import describe_finding, diagnose
from storage.errors import EnvironmentFailed
from storage.records import Repository
from storage.store import Store
from storage.tables.hosted import Hosted

DAY = 86_400.0
AWAY = "index-unreachable"
MACHINE = (AWAY, "no-base-image")
"""Reasons that are none of the repository's."""
NOT_HAD = (AWAY, "missing-python")
"""Findings of what could not be downloaded."""


async def work(stage: Stage) -> Outcome:
    """See to it that an environment serves. Raises BugfoundryError.

    Where none can be had the maintainers are told, once the last attempt has failed.
    """
    hosted = stage.hosted
    kept = should_keep(
        hosted, stage.now, days=stage.config.work.rebuild_days, asked=bool(stage.asked.get("force"))
    )
    repository = stage.repository() if kept else stage.fetch_commit()
    try:
        ready = await stage.ready(repository)
    except EnvironmentFailed:
        if stage.final:
            report_failure(stage, repository)
        raise
    built = hosted.built if kept and hosted.built else stage.now
    return Outcome(
        note=describe_environment(ready),
        changes=(make_serving_change(hosted, repository, built, stage.now),),
    )


def should_keep(hosted: Hosted, now: float, *, days: float, asked: bool) -> bool:
    """Say whether the commit that serves goes on serving; ``asked`` ends that at once."""
    if not hosted.commit or asked:
        return False
    return not hosted.stale or now - hosted.built < days * DAY


def make_serving_change(hosted: Hosted, repository: Repository, built: float, now: float) -> Change:
    """Return the change by which a commit's environment serves."""

    def change(store: Store) -> None:
        known = store.hosted.get(hosted.id)
        if known is None:
            return
        # A push that came meanwhile knows a newer head than we do.
        moved = known.head != hosted.head or built == hosted.built
        store.hosted.put_repository(
            replace(
                known,
                commit=repository.commit,
                tree=repository.tree,
                built=built,
                head=known.head if moved else repository.commit,
            )
        )
        store.hosted.add_tree(hosted.id, repository.tree, repository.commit, now)

    return change


def describe_environment(ready: Ready) -> str:
    """Say in a few words what an environment is."""
    environment, baseline = ready.prepared.environment, ready.prepared.baseline
    return (
        f"{ready.repository.commit[:12]}: {environment.plan.name}, Python {environment.python}, "
        f"{len(baseline.green)} of {len(baseline.tests)} tests serve"
    )


def report_failure(stage: Stage, repository: Repository) -> None:
    """Tell the maintainers that no environment could be built, and why each plan failed.

    Not where it is this machine that fails: that is the operator's to mend.
    """
    tried = attempts(stage.store, repository.tree)
    if tried and tried[-1].reason in MACHINE:
        return
    text = make_unbuilt_report(stage.hosted, repository.commit, tried)
    jobs = report_jobs(stage.hosted, repository.commit, text)
    stage.store.jobs.put_jobs(jobs, stage.now)


def attempts(store: Store, tree: str) -> list[Tried]:
    """Return what was tried on a tree, in words that hold nothing of this machine's."""
    found = []
    for attempt in store.attempts(tree):
        if not attempt.ok:
            findings = diagnose(attempt.reason, attempt.detail)
            away = any(finding.kind in NOT_HAD for finding in findings)
            why = describe_finding(findings[0]) if findings else ""
            reason = AWAY if away else attempt.reason
            found.append(Tried(plan=attempt.plan.name, reason=reason, why=why))
    return found


environment = make_stage_handler("environment", work, needs_environment=False)

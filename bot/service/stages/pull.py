"""One pull request: undone on today's code, and its maintainers told which tests guard it.

An open one is undone at its own head, for then nothing but its own change is missing.
"""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.outbox.outbox import check_job
from bot.service.reports.guards import Guards, guards_check, unbuilt_check
from bot.service.repositories.plan import PULL, first_stage_job, stage_job
from bot.service.stages.base import Stage, make_stage_handler
from bot.service.stages.crawl import crawl_settings
from bot.service.stages.environment import DAY, attempts
from bot.service.stages.judge import FULL, UNNOTICED
from bot.service.stages.unmerged import undo_at_head
from forge.compose import forge_in
from forge.pulls.crawl import crawl_repository
from forge.run.nouns import format_count
from forge.run.preparation import Ready
from harness.judge.judge import HARNESS_VERSION
from mirror.choice.rules import REASONS
from mirror.github.client import GitHub
from mirror.github.present_state import Pull, look_at_pull
from storage.clones import is_ancestor
from storage.errors import EnvironmentFailed
from storage.histories import fetch_with_history
from storage.records import Mirroring, Repository
from storage.source_names import parse

SKIPPED = "#{number} is kept out by its label"
CLOSED = "#{number} was closed and not merged"
NOT_ASKED = "#{number} is open, and nobody asked for it"
LATER = "#{number} was merged after {commit}, which serves; the next environment takes it"
OTHER_BRANCH = "it was merged into another branch than the default one"
UNKNOWN = "GitHub names no commit for it"


async def work(stage: Stage) -> Outcome:
    """Do what the pull request's present state asks for. Raises BugfoundryError."""
    number = int(stage.asked["number"])
    async with GitHub(stage.config.app.api_url, token=stage.tokens) as github:
        pull = await look_at_pull(github, stage.hosted.name, number)
    if number in stage.skipped_pulls:
        return Outcome(note=SKIPPED.format(number=number))
    if pull.merged:
        return await mirror_merged(stage, pull)
    if not pull.open:
        return Outcome(note=CLOSED.format(number=number))
    if not is_requested(stage, pull):
        return Outcome(note=NOT_ASKED.format(number=number))
    return await mirror_unmerged(stage, pull)


def is_requested(stage: Stage, pull: Pull) -> bool:
    """Say whether a person asked for it who may: by the label, or by a command."""
    marks = stage.store.hosted.marks(stage.hosted.id)
    marked = any((one.number, one.mark) == (pull.number, "wanted") for one in marks)
    return marked or bool(stage.asked.get("asked"))


async def mirror_unmerged(stage: Stage, pull: Pull) -> Outcome:
    """Undo an open pull request at its head."""
    repository = stage.fetch_commit(pull.head)
    stage.store.hosted.add_tree(stage.hosted.id, repository.tree, repository.commit, stage.now)
    try:
        ready = await stage.ready(repository)
    except EnvironmentFailed:
        return report_unbuilt(stage, pull, repository)
    return report_guards(stage, pull, await undo_at_head(stage, ready, pull))


async def mirror_merged(stage: Stage, pull: Pull) -> Outcome:
    """Undo a merged pull request in the code that serves; in the newest where that lacks it.

    For one that nobody asked for no environment is built: the next one takes it.
    """
    hosted, asked = stage.hosted, is_requested(stage, pull)
    cloned = fetch_with_history(
        parse(stage.url),
        cache=stage.config.cache,
        trees=stage.trees,
        token=stage.tokens.lend(),
        github=stage.site,
    )
    commit = pull.merge_commit
    if not is_ancestor(cloned.git_dir, commit, cloned.head):
        found = Guards(
            head=pull.head, commit=cloned.head, merged=True, judged=False, reason=OTHER_BRANCH
        )
        return report_guards(stage, pull, found) if asked else Outcome(note=OTHER_BRANCH)
    if hosted.commit and is_ancestor(cloned.git_dir, commit, hosted.commit):
        repository = stage.repository()
    elif asked:
        repository = stage.fetch_commit(cloned.head)
        stage.store.hosted.add_tree(hosted.id, repository.tree, repository.commit, stage.now)
    else:
        return await postpone_mirroring(stage, pull)
    try:
        ready = await stage.ready(repository)
    except EnvironmentFailed:
        if not asked:
            raise
        return report_unbuilt(stage, pull, repository)
    found = await mirror_in(stage, ready, pull)
    return (
        report_guards(stage, pull, found) if asked else Outcome(note=describe_guards(pull, found))
    )


async def postpone_mirroring(stage: Stage, pull: Pull) -> Outcome:
    """Crawl a pull request now, and have it mirrored with the next environment."""
    hosted = stage.hosted
    if not hosted.commit:
        return Outcome(jobs=(first_stage_job(hosted),))
    await crawl_repository(
        crawl_settings(stage, hosted.commit), store=stage.store, reporter=stage.reporter
    )
    due = hosted.built + stage.config.work.rebuild_days * DAY
    note = LATER.format(number=pull.number, commit=hosted.commit[:12])
    return Outcome(note=note, jobs=(stage_job(hosted, "environment", due=due),))


async def mirror_in(stage: Stage, ready: Ready, pull: Pull) -> Guards:
    """Mirror one pull request, judged by the whole suite, and return what came of it."""
    repository = ready.repository
    settings = stage.settings(
        repository.commit,
        strategies=("mirror",),
        only_pulls=frozenset({pull.number}),
        full=True,
    )
    await forge_in(ready, settings, stage.trees, store=stage.store, reporter=stage.reporter)
    became = find_mirroring(stage, repository, pull)
    bug = stage.store.bug(became.bug) if became is not None and became.bug else None
    environment = ready.prepared.environment.id
    verdict = bug and stage.store.verdict(bug.id, environment, HARNESS_VERSION, FULL)
    if became is None or not verdict:
        why = UNKNOWN if became is None else REASONS.get(became.outcome, became.outcome)
        return Guards(
            head=pull.head, commit=repository.commit, merged=True, judged=False, reason=why
        )
    return Guards(
        head=pull.head,
        commit=repository.commit,
        merged=True,
        reason=verdict.reason,
        tests=verdict.fail_to_pass,
        others=len(verdict.pass_to_pass),
        spilled=len(verdict.spilled),
        undone=became.undone,
    )


def find_mirroring(stage: Stage, repository: Repository, pull: Pull) -> Mirroring | None:
    """Return what became of a pull request on a tree."""
    name = f"{repository.owner}/{repository.name}"
    pulls = stage.store.pulls
    commits = {one.commit for one in pulls.all(name) if one.number == pull.number}
    found = (one for one in pulls.outcomes(name, repository.tree) if one.commit in commits)
    return next(found, None)


def report_guards(stage: Stage, pull: Pull, found: Guards) -> Outcome:
    """Have the check run stand on the pull request."""
    return Outcome(
        note=describe_guards(pull, found), jobs=(check_job(stage.hosted, guards_check(found)),)
    )


def report_unbuilt(stage: Stage, pull: Pull, repository: Repository) -> Outcome:
    """Say on the pull request that no test could be run."""
    failed = attempts(stage.store, repository.tree)
    reason = failed[-1].reason if failed else "no plan"
    check = unbuilt_check(pull.head, repository.commit, reason)
    return Outcome(
        note=f"#{pull.number}: no environment at {repository.commit[:12]}: {reason}",
        jobs=(check_job(stage.hosted, check),),
    )


def describe_guards(pull: Pull, found: Guards) -> str:
    """Say in a few words what came of it."""
    if found.reason == "valid":
        verb = "guards" if len(found.tests) == 1 else "guard"
        return f"#{pull.number}: {format_count(len(found.tests), 'test')} {verb} it"
    return f"#{pull.number}: {'no test guards it' if found.reason == UNNOTICED else found.reason}"


pull = make_stage_handler(PULL, work, needs_environment=False)

"""A repository made ready to be judged by GitHub Actions: mirror, environment, place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from forge.pulls.crawl import CrawlSettings
from forge.remote.actions.engine import ActionsEngine
from forge.remote.actions.far_backend import FarBackend
from forge.remote.actions.github_place import GitHubPlace
from forge.remote.actions.mirror_files import FILE, TITLE, mirror_name
from forge.remote.actions.mirrors import (
    BRANCH,
    MirrorAccount,
    MirrorRepository,
    ensure_mirror,
    publish,
)
from forge.remote.actions.place import BatchPlace
from forge.remote.batch.artifacts import LARGEST_ARCHIVE, unpack_one
from forge.remote.batch.environments import Packed, pack, read_environment
from forge.remote.batch.ingestion import keep_environment
from forge.run.nouns import format_count
from forge.run.preparation import Ready, cached_reader
from forge.run.progress import Reporter
from forge.run.settings import Settings
from forge.run.summary import Summary
from harness.detect import FolderTree
from harness.detect.config import Overrides, merge, read_config
from harness.detect.packages import enter_folder
from harness.environments.trials import PreparedEnvironment
from harness.judge.judge import HARNESS_VERSION
from harness.runs.coverage import decode
from harness.sandboxes.docker_registry import BY_DIGEST
from mirror.github.client import GitHub
from mirror.github.lookups import fetch_repository
from mirror.github.runs import (
    artifacts_of_run,
    download_artifact,
    find_run,
    look_at_run,
    start_run,
)
from storage.errors import BatchError, ConfigError, GitHubMissing
from storage.records import Repository
from storage.scratch import scratch_folder
from storage.sources import parse
from storage.store import Store
from storage.trees import Trees

ARTIFACT = "environment"
NEEDED = (
    "--engine actions needs a token that may make repositories and run workflows in GITHUB_TOKEN, "
    "the account of the mirrors (--mirrors or BUGFOUNDRY_MIRRORS) and bugfoundry's own repository "
    "at a commit (--tool or BUGFOUNDRY_TOOL); docs/actions.md says how"
)
FAILED = "the environment could not be built by GitHub Actions ({conclusion}): {url}"
WRONG = "the run {url} left no environment that can be used: {why}"


async def publish_all(
    summary: Summary,
    operator: MirrorAccount,
    repository: Repository,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
) -> None:
    """Put the tasks of a run into the mirror, each as a branch. Raises GitError."""
    tasks = [store.task(name) for name in summary.tasks]
    found = [(task, bug) for task in tasks if (bug := store.bug(task.bug)) is not None]
    mirror = f"{operator.account}/{mirror_name(repository)}"
    await publish(operator, mirror, found, trees)
    reporter.note(f"{repository.name}: {format_count(len(found), 'task')} as branches of {mirror}")


def operator_of(settings: Settings) -> MirrorAccount:
    """Return on whose account mirrors are. Raises ConfigError where that was not said."""
    if not (settings.github_token and settings.engine.mirrors and settings.engine.tool):
        raise ConfigError(NEEDED)

    async def token() -> str:
        return settings.github_token

    site = CrawlSettings(source="", cache=settings.cache, api_url=settings.github_url).site
    return MirrorAccount(
        account=settings.engine.mirrors, tool=settings.engine.tool, url=site, token=token
    )


async def make_ready_far(
    repository: Repository,
    settings: Settings,
    operator: MirrorAccount,
    github: GitHub,
    *,
    private: bool,
    store: Store,
    trees: Trees,
    reporter: Reporter,
) -> Ready:
    """Make a repository's mirror and environment, or find them; bugs are judged there.

    Raises BugfoundryError.
    """
    mirror = await ensure_mirror(github, operator, repository, private=private, trees=trees)
    packed = find_built_environment(repository, store)
    if packed is None or settings.environment.rebuild:
        reporter.stage(f"{repository.name}: its environment is built in {mirror.name}")
        packed = await build_in_mirror(mirror, repository, github, settings)
        keep_environment(packed, store)
        store.set_image(packed.environment.id, packed.image)
    place = GitHubPlace(
        github,
        mirror.name,
        code=mirror.code,
        branch=BRANCH,
        registry=settings.engine.registry,
        url=operator.url,
        token=operator.token,
        trees=trees,
    )
    return Ready(
        repository=repository,
        backend=FarBackend(packed.image),
        prepared=PreparedEnvironment(
            environment=packed.environment, baseline=packed.baseline, coverage=packed.coverage
        ),
        overrides=overrides_of(repository, settings, trees),
        make_engine=partial(engine_at, place),
        image=packed.image,
    )


def engine_at(
    place: BatchPlace,
    ready: Ready,
    settings: Settings,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    on_messages: Callable[[str, Mapping[str, str]], None],
) -> ActionsEngine:
    """Return the engine that has bugs judged at a place."""
    environment, name = ready.prepared.environment, ready.repository.name

    def on_disagreement(text: str) -> None:
        store.set_coverage(environment.id, None)
        reporter.note(f"{name}: {text}")

    return ActionsEngine(
        place,
        pack(ready.repository, ready.prepared, ready.image, store, full=settings.validation.full),
        read=cached_reader(trees, environment.tree),
        folder=settings.cache / "batches",
        store=store,
        pace=settings.engine.pace,
        judged=len(store.list_judged_bugs(environment.id, HARNESS_VERSION, "selected")),
        on_messages=on_messages,
        on_disagreement=on_disagreement,
        note=lambda text: reporter.note(f"{name}: {text}"),
    )


def find_built_environment(repository: Repository, store: Store) -> Packed | None:
    """Return the environment that an earlier run had built, where its image is in a registry."""
    environment = store.environment_for(repository.tree, "docker")
    image = "" if environment is None else store.image(environment.id)
    baseline = None if environment is None else store.baseline(environment.id)
    if environment is None or baseline is None or not image:
        return None
    kept = store.coverage(environment.id)
    coverage = None if kept is None else decode(kept)
    return Packed(
        repository=repository,
        environment=environment,
        baseline=baseline,
        coverage=coverage,
        image=image,
    )


async def build_in_mirror(
    mirror: MirrorRepository, repository: Repository, github: GitHub, settings: Settings
) -> Packed:
    """Have the mirror build the environment, or find the run that did. Raises BugfoundryError."""
    title = TITLE.format(batch=mirror.code)
    run = None
    if not settings.environment.rebuild:
        run = await find_run(github, mirror.name, FILE, title=title)
    if run is None:
        inputs = {"code": mirror.code, "registry": settings.engine.registry}
        run = await start_run(github, mirror.name, FILE, ref=BRANCH, inputs=inputs, title=title)
    waits = settings.engine.pace.waits()
    while (found := await look_at_run(github, mirror.name, run)).status != "completed":
        await asyncio.sleep(next(waits))
    if found.conclusion != "success":
        raise BatchError(FAILED.format(conclusion=found.conclusion, url=found.url))
    listed = artifacts_of_run(github, mirror.name, run)
    async with aclosing(listed) as artifacts:
        async for one in artifacts:
            if one.name == ARTIFACT and not one.expired:
                data = await download_artifact(github, mirror.name, one, limit=LARGEST_ARCHIVE)
                return parse_environment_archive(data, repository, found.url)
    raise BatchError(WRONG.format(url=found.url, why="it has no such artifact any more"))


def parse_environment_archive(archive: bytes, repository: Repository, url: str) -> Packed:
    """Return the environment that a run left, trusting nothing of it. Raises BatchError."""
    with scratch_folder() as folder:
        try:
            packed = read_environment(unpack_one(archive, folder))
        except BatchError as error:
            raise BatchError(WRONG.format(url=url, why=error)) from error
    if packed.environment.tree != repository.tree:
        raise BatchError(WRONG.format(url=url, why="it is another tree's"))
    if packed.environment.sandbox != "docker" or not BY_DIGEST.fullmatch(packed.image):
        raise BatchError(WRONG.format(url=url, why="it names no image by its digest"))
    return replace(packed, repository=repository)


def overrides_of(repository: Repository, settings: Settings, trees: Trees) -> Overrides:
    """Return what the repository and the person say of how it is to be treated."""
    with scratch_folder() as folder:
        checkout = folder / repository.name
        trees.materialise(repository.tree, checkout)
        tree = FolderTree(checkout)
        overrides = merge(read_config(tree), settings.environment.overrides)
        return enter_folder(tree, overrides, repository.source)[1]


async def is_private(source: str, github: GitHub) -> bool:
    """Say whether a source is not for everybody to see; what is not known counts as private."""
    named = parse(source)
    if named.kind == "pypi":
        return False
    match = re.search(r"([\w.-]+)/([\w.-]+?)(?:\.git)?$", named.place)
    if named.kind == "path" or match is None:
        return True
    try:
        return (await fetch_repository(github, f"{match[1]}/{match[2]}")).private
    except GitHubMissing:
        return True

"""The bugs that a batch is made of: proposed now, or proposed before and never judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import aclosing

from forge.remote.batch.bugs import Bugs, gather
from forge.remote.batch.environments import Packed, pack
from forge.run.admission import Admission
from forge.run.context import Source
from forge.run.pipeline import read_context
from forge.run.preparation import Ready, fetch
from forge.run.settings import Settings
from harness.environments.trials import PreparedEnvironment
from harness.judge.compilation import open_compiler
from harness.judge.judge import HARNESS_VERSION
from harness.runs.coverage import decode
from storage.errors import BatchError
from storage.records import Bug, Repository, SandboxKind
from storage.store import Store
from storage.trees import Trees

NOT_BUILT = "{source} has no environment in the store; `bugfoundry env build {source}` makes it"
ALL_JUDGED = "{source}: every bug has a verdict already; propose others, by --seed or --max-bugs"


async def propose(
    settings: Settings,
    ready: Ready,
    source: Source,
    *,
    image: str = "",
    store: Store,
    trees: Trees,
) -> tuple[Packed, Bugs]:
    """Propose bugs as `forge` would, keep them, and return those that nobody has judged.

    Raises BugfoundryError.
    """
    found: list[Bug] = []
    async with open_compiler(ready.backend, ready.prepared.environment) as compiles:
        context = await read_context(settings, ready, trees, compiles)
        async with aclosing(source(context)) as bugs:
            async for bug in bugs:
                store.add_bug(bug)
                found.append(bug)
    packed = pack(ready.repository, ready.prepared, image, store, full=settings.validation.full)
    return packed, select_unjudged(settings, packed, found, store, trees)


def load_unjudged(settings: Settings, *, image: str = "", store: Store) -> tuple[Packed, Bugs]:
    """Return what was proposed before and has no verdict. Raises BugfoundryError."""
    trees = Trees(settings.cache)
    repository = fetch(settings, trees, store)
    packed = packed_environment(repository, settings, image, store)
    return packed, select_unjudged(settings, packed, store.bugs(repository.tree), store, trees)


def packed_environment(
    repository: Repository, settings: Settings, image: str, store: Store
) -> Packed:
    """Return the environment that the store knows; docker's before the local one.

    Raises BatchError.
    """
    kinds: tuple[SandboxKind, ...] = ("docker", "local")
    sandbox = settings.environment.sandbox
    for kind in kinds if sandbox == "auto" else (sandbox,):
        environment = store.environment_for(repository.tree, kind)
        baseline = None if environment is None else store.baseline(environment.id)
        if environment is not None and baseline is not None:
            kept = store.coverage(environment.id)
            coverage = None if kept is None else decode(kept)
            prepared = PreparedEnvironment(
                environment=environment, baseline=baseline, coverage=coverage
            )
            return pack(repository, prepared, image, store, full=settings.validation.full)
    raise BatchError(NOT_BUILT.format(source=settings.source))


def admission_of(packed: Packed, trees: Trees) -> Admission:
    """Gather what bugs are held against before they travel."""
    tree = packed.environment.tree
    return Admission(
        read=lambda path: trees.read_file(tree, path),
        list_paths=lambda: frozenset(trees.paths(tree)),
        tests=packed.baseline.green,
        lock=packed.environment.lock,
    )


def select_unjudged(
    settings: Settings, packed: Packed, bugs: Sequence[Bug], store: Store, trees: Trees
) -> Bugs:
    """Return those of the bugs that have no verdict, each once. Raises BatchError for none.

    One whose known fix could not be handed in gets its verdict here.
    """
    known: Collection[str] = store.list_judged_bugs(
        packed.environment.id, HARNESS_VERSION, packed.mode
    )
    new = {bug.id: bug for bug in bugs if bug.id not in known}
    tree = packed.environment.tree
    admission = admission_of(packed, trees)
    for bug in list(new.values()):
        verdict = admission.refuse(bug, packed.environment.id, packed.mode)
        if verdict is not None:
            store.add_verdict(verdict)
            del new[bug.id]
    if not new:
        raise BatchError(ALL_JUDGED.format(source=settings.source))
    return gather(tree, list(new.values()), lambda path: trees.read_file(tree, path))

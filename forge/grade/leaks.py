"""Search what a solver of tasks is given, environment and start state, for the text of the fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forge.grade.evaluation import Evaluation, backend_of
from forge.grade.grade import ensure_environment
from forge.grade.lookup import StoredTask
from harness.leaks.places import environment_files, folder_files, image_files
from harness.leaks.search import TWIN, File, Leak, search
from harness.sandboxes.docker_build import TREE
from harness.sandboxes.sandbox import BuildFailed
from storage.errors import SandboxError, SourceError
from storage.records import Environment
from storage.scratch import scratch_folder
from storage.trees import Trees
from syntax.needles import NeedleIndex, Needles, index_of, needles_of
from tasks.start_state import broken_files, check_out, hidden_files

UNBUILT = "the environment of {name} cannot be built again: {why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """What was searched, and what was found."""

    tasks: int
    places: int
    """Environments, images and folders that were searched."""
    files: int
    size: int
    """Bytes of them, as they lie; members of archives are not counted."""
    blind: tuple[str, ...]
    """Tasks whose fix has no lines that it could be told by: only byte-code and git can show it."""
    leaks: tuple[Leak, ...]
    twins: tuple[Leak, ...]
    """Code of the project itself that does the same elsewhere: no leak."""


@dataclass(slots=True)
class Counted:
    """Counts the files of a stream on their way."""

    files: int = 0
    size: int = 0

    def through(self, stream: Iterable[File]) -> Iterator[File]:
        """Pass on each file."""
        for path, content in stream:
            self.files, self.size = self.files + 1, self.size + len(content)
            yield path, content


async def ensure_environments(
    found: Sequence[StoredTask], evaluation: Evaluation, trees: Trees
) -> list[StoredTask]:
    """Have the environments of tasks stand, built again where they are gone.

    Raises SandboxError that names the repository where one cannot be built.
    """
    stand: dict[str, Environment] = {}
    for one in found:
        if one.environment.id not in stand:
            backend = backend_of(evaluation, one)
            try:
                stand[one.environment.id] = await ensure_environment(one, backend, trees)
            except BuildFailed as error:
                raise SandboxError(UNBUILT.format(name=one.repository.name, why=error)) from error
    return [replace(one, environment=stand[one.environment.id]) for one in found]


def leaks_of(found: Sequence[StoredTask], trees: Trees, cache: Path) -> LeakReport:
    """Search the environments of tasks, and each task's start state. Raises SandboxError."""
    counted, leaks = Counted(), []
    needles = {one.task.id: needles_for(one, trees) for one in found}
    environments = {one.environment.id: one.environment for one in found}
    for key, environment in environments.items():
        own = [one for one in found if one.environment.id == key]
        index = index_of([needles[one.task.id] for one in own])
        tree, files = environment_files(environment, cache)
        leaks += list(search(counted.through(files), index, tree=tree, known=True))
        for one in own:
            leaks += search_start_state(one, needles[one.task.id], trees, counted)
    return report(needles.values(), leaks, counted, places=len(environments))


def search_start_state(
    found: StoredTask, needles: Needles, trees: Trees, counted: Counted
) -> list[Leak]:
    """Search what a solver starts from, as it is checked out: files and git."""
    with scratch_folder() as folder:
        place = folder / "start"
        check_out(trees, found.bug, place, found.task.test_patch)
        stream = counted.through(folder_files(place))
        leaks = list(search(stream, index_of([needles]), tree=""))
    return [Leak(leak.task or found.task.id, leak.kind, leak.path, leak.detail) for leak in leaks]


def leaks_in(
    found: Sequence[StoredTask], trees: Trees, *, images: Sequence[str], folders: Sequence[Path]
) -> LeakReport:
    """Search images and folders as they are, work tree included, for the fixes of tasks.

    Raises SandboxError for an image, SourceError for a folder that is not there.
    """
    counted, leaks = Counted(), []
    needles = [needles_for(one, trees) for one in found]
    index: NeedleIndex = index_of(needles)
    for image in images:
        stream = counted.through(image_files(image))
        leaks += list(search(stream, index, tree=TREE.lstrip("/")))
    for folder in folders:
        if not folder.is_dir():
            raise SourceError(f"{folder} is no folder; name one that a solver is given")
        leaks += list(search(counted.through(folder_files(folder)), index, tree=""))
    return report(needles, leaks, counted, places=len(images) + len(folders))


def needles_for(found: StoredTask, trees: Trees) -> Needles:
    """Return what a task's fix can be found by, and the tests that it hides."""
    broken = broken_files(trees, found.bug)
    hidden = hidden_files(trees, found.bug, found.task.test_patch)
    seen = broken | hidden
    clean = {path: trees.read_file(found.bug.tree, path) for path in seen}
    return needles_of(found.task.id, clean, seen)


def report(
    needles: Iterable[Needles], leaks: Iterable[Leak], counted: Counted, *, places: int
) -> LeakReport:
    """Put together what was found, each leak once."""
    known, found = list(needles), set(leaks)
    return LeakReport(
        tasks=len(known),
        places=places,
        files=counted.files,
        size=counted.size,
        blind=tuple(sorted(each.task for each in known if not each.windows)),
        leaks=tuple(sorted(each for each in found if each.kind != TWIN)),
        twins=tuple(sorted(each for each in found if each.kind == TWIN)),
    )


def describe_leak(leak: Leak) -> str:
    """Say what was found."""
    detail = f": {leak.detail}" if leak.detail else ""
    return f"{leak.task or 'every task'}  {leak.kind} in {leak.path}{detail}"

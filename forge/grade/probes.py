"""Wrong patches with which tasks are probed: a task whose tests take one for a solution is weak.

After the question of how strong a suite's tests are (DeMillo, Lipton and Sayward 1978), asked
where a solver would cheat or err: nothing done, the subject deleted, half of the fix, another
fault in the same place.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from forge.grade.evaluation import Evaluation, EvaluationCase, evaluate
from forge.grade.intake import Read, read_start_state
from forge.grade.lookup import StoredTask
from forge.grade.predictions import Graded, Prediction
from storage.records import digest
from storage.trees import Trees
from syntax.cuts import without_definitions
from syntax.intake.intake import INTAKE_VERSION
from syntax.patch_text import apply_patch
from syntax.patches import unified_diff
from tasks.start_state import broken_files

OTHERS = 3
"""Other bugs in the same place that are tried on a task."""
SINGLES = 4
"""Up to so many places of a fix are also tried one by one."""
Contents = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A wrong patch on a task, and what came of it."""

    task: str
    repository: str
    kind: str
    """``empty``, ``deleted``, ``half`` or ``other-bug``."""
    key: str
    patch: str
    about: str = ""
    """Which places of the fix it has, or which other bug it brings."""
    accepted: bool = False
    error: str = ""


def sample(names: Sequence[str], count: int, seed: int) -> list[str]:
    """Choose some of the tasks, the same ones for a seed."""
    return sorted(random.Random(seed).sample(list(names), min(count, len(names))))


def probes_of(
    tasks: Mapping[str, StoredTask], name: str, content: str, trees: Trees
) -> Iterator[Probe]:
    """Yield the wrong patches for a task; ``tasks`` are those whose bugs may be brought in."""
    found = tasks[name]
    repository = f"{found.repository.owner}/{found.repository.name}"
    seen: set[str] = set()
    for kind, about, patch in wrong_patches(found, tasks.values(), trees):
        if patch in seen:
            continue
        seen.add(patch)
        key = key_of(content, kind, patch)
        yield Probe(task=name, repository=repository, kind=kind, key=key, patch=patch, about=about)


def key_of(content: str, kind: str, patch: str) -> str:
    """Identify a probe by what it depends on; ``content`` is the digest of what the task is."""
    return digest(content, kind, patch, INTAKE_VERSION)[:32]


def wrong_patches(
    found: StoredTask, tasks: Iterable[StoredTask], trees: Trees
) -> Iterator[tuple[str, str, str]]:
    """Yield kind, what it is about, and the patch on the start state."""
    read = read_start_state(found, trees)
    broken = {path: read(path) for path in broken_files(trees, found.bug)}
    fixed = {path: trees.read_file(found.bug.tree, path) for path in broken}
    yield "empty", "", ""
    for about, contents in deletions(found, broken):
        yield "deleted", about, patch_to(read, contents)
    for about, contents in halves(broken, fixed):
        yield "half", about, patch_to(read, contents)
    for other in others(found, tasks):
        yield "other-bug", other.task.id, patch_to(read, swap_bug(other, fixed, trees))


def patch_to(read: Read, contents: Contents) -> str:
    """Return the patch from the start state to these contents."""
    return "".join(unified_diff(path, read(path), contents[path]) for path in sorted(contents))


def deletions(found: StoredTask, broken: Contents) -> Iterator[tuple[str, Contents]]:
    """Yield what is left when the wounded function is deleted; or all of the wounded file."""
    origin = found.bug.origin
    whole = broken.get(origin.path)
    if whole is not None and origin.entity:
        left = without_definitions(whole, [origin.entity])
        if left is not None:
            yield origin.entity, {origin.path: left}
            return
    for path, data in broken.items():
        if data:
            yield path, {path: b""}
            return


def halves(broken: Contents, fixed: Contents) -> Iterator[tuple[str, Contents]]:
    """Yield fixes of which some places are left out; none for a fix of one place."""
    places = [
        (path, block)
        for path in sorted(broken)
        for block in blocks(broken[path] or b"", fixed[path] or b"")
        if broken[path] is not None and fixed[path] is not None
    ]
    count = len(places)
    if count < 2:
        return
    chosen = [range(count // 2), range(count // 2, count)]
    if count <= SINGLES:
        chosen += [range(each, each + 1) for each in range(count)]
    for some in chosen:
        about = f"places {', '.join(str(each + 1) for each in some)} of {count}"
        kept = [places[each] for each in some]
        yield (
            about,
            {
                path: with_blocks(
                    broken[path] or b"", fixed[path] or b"", [b for p, b in kept if p == path]
                )
                for path in {path for path, _ in kept}
            },
        )


Block = tuple[int, int, int, int]


def blocks(old: bytes, new: bytes) -> list[Block]:
    """Return the places that differ: from and to line, of the old and of the new."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matched = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(a, b, c, d) for tag, a, b, c, d in matched if tag != "equal"]


def with_blocks(old: bytes, new: bytes, chosen: Sequence[Block]) -> bytes:
    """Return the old with some of the places as they are in the new."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for first, last, new_first, new_last in sorted(chosen, reverse=True):
        before[first:last] = after[new_first:new_last]
    return b"".join(before)


def others(found: StoredTask, tasks: Iterable[StoredTask]) -> list[StoredTask]:
    """Return tasks with another bug in a file that this one changes, the same function first."""
    paths = {change.path for change in found.bug.changes}
    near = [
        each
        for each in tasks
        if each.bug.tree == found.bug.tree
        and each.bug.id != found.bug.id
        and paths & {change.path for change in each.bug.changes}
    ]
    entity = (found.bug.origin.path, found.bug.origin.entity)
    near.sort(
        key=lambda each: ((each.bug.origin.path, each.bug.origin.entity) != entity, each.task.id)
    )
    return near[:OTHERS]


def swap_bug(other: StoredTask, fixed: Contents, trees: Trees) -> Contents:
    """Return the files with this bug undone and the other one brought in."""
    tree = other.bug.tree
    return {**fixed, **apply_patch(other.bug.patch, lambda path: trees.read_file(tree, path))}


async def probe(
    evaluation: Evaluation, trees: Trees, tasks: Mapping[str, StoredTask], wrong: Sequence[Probe]
) -> AsyncGenerator[Probe, None]:
    """Grade wrong patches as any solver's, by all tests of the task; yield what came of each."""
    by_key = {each.key: each for each in wrong}
    todo = [
        EvaluationCase(
            prediction=Prediction(instance_id=each.task, patch=each.patch, model=each.kind),
            found=tasks[each.task],
            key=each.key,
        )
        for each in wrong
    ]
    async for result in evaluate(replace(evaluation, full=True), todo):
        yield replace(by_key[result.key], accepted=result.resolved, error=error_of(result))


def error_of(result: Graded) -> str:
    """Say why a probe could not be graded; one that does not apply was, and is not accepted."""
    if result.error in ("", "does-not-apply"):
        return ""
    told = result.detail.strip().splitlines()
    return f"{result.error}: {told[-1].strip()}" if told else result.error


def weakness(probes: Iterable[Probe]) -> dict[str, dict[str, float]]:
    """Return for each repository how many wrong patches were tried, and how many accepted."""
    told: dict[str, dict[str, float]] = {}
    for each in probes:
        if each.error:
            continue
        found = told.setdefault(each.repository, {"tried": 0, "accepted": 0, "share": 0.0})
        found["tried"] += 1
        found["accepted"] += each.accepted
        found["share"] = found["accepted"] / found["tried"]
    return dict(sorted(told.items()))


def describe_probe(each: Probe) -> str:
    """What came of a probe, in a line."""
    about = f" ({each.about})" if each.about else ""
    came = f"could not be graded: {each.error}" if each.error else "ACCEPTED"
    return f"{each.task}: {each.kind}{about}: {came}"

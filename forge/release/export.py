"""Tasks on their way out: through the gates, cut to what is near, and into a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from harness.runner_archive import archive_data
from harness.runs.coverage import decode
from storage.errors import StoreError
from storage.records import Environment, Task
from storage.store import Store
from storage.trees import Trees
from tasks import NEAREST
from tasks.export import FOLDERS, export, export_folder
from tasks.gates import NAMES, PASS_TO_PASS, StoppedTask, pass_gates
from tasks.gates.subject import GateSubject, Rules, subjects
from tasks.material import Material
from tasks.nearest import Masks, nearest

NONE_LEFT = (
    "no task passes the gates: {told}, for instance by {gate}: {why}; `bugfoundry gates --why` "
    "says why, --without-gate NAME (`without-gate` in a workflow) switches one off"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export came to."""

    tasks: int
    stopped: tuple[StoppedTask, ...]
    overlaps: int
    """Tasks among them whose repository is in a public benchmark."""
    untold: int = 0
    """Tasks that passed and that no text can hold: their patches are not UTF-8."""

    @property
    def summary(self) -> str:
        """Its figures in words."""
        untold = f"; {self.untold} left out: not UTF-8" if self.untold else ""
        return f"{describe_stopped(self.stopped)}; {describe_overlap(self.overlaps)}{untold}"


def export_tasks(
    form: str,
    store: Store,
    trees: Trees,
    tasks: Iterable[Task],
    output: Path,
    *,
    rules: Rules,
    names: Sequence[str] = NAMES,
    limit: int | None = NEAREST,
    image: str = "",
    split: bool = False,
) -> Exported:
    """Write those of the tasks that pass gates; ``limit`` is how much of PASS_TO_PASS leaves.

    ``image`` is a name under which others can pull the image, ``split`` puts tasks into splits.

    Raises StoreError where none is left.
    """
    passed = pass_gates(subjects(store, trees, tasks), rules, names)
    if not passed.subjects:
        raise StoreError(explain_none_left(passed.stopped))
    leaving = [subject.task for subject in passed.subjects]
    cut = limit if PASS_TO_PASS in names else None
    refine = make_refiner(store, passed.subjects, cut)
    if form in FOLDERS:
        count = export_folder(
            *(form, store, trees, leaving, output),
            runner=archive_data(),
            image=image,
            refine=refine,
            split=split,
        )
    else:
        count = export(form, store, trees, leaving, output, refine=refine, split=split)
    return Exported(
        tasks=count,
        stopped=passed.stopped,
        overlaps=overlaps(passed.subjects),
        untold=len(leaving) - count,
    )


def make_refiner(
    store: Store, passed: Sequence[GateSubject], limit: int | None
) -> Callable[[Material], Material]:
    """Return what makes a task's material what leaves: licence, overlap, the nearest tests."""
    by_id = {subject.task.id: subject for subject in passed}
    overlapping = overlaps(passed)

    @lru_cache(maxsize=1)
    def cached_lines(environment: str) -> Mapping[str, Masks]:
        return lines_run(store, environment)

    def select_near(material: Material) -> tuple[str, ...]:
        verdict = material.verdict
        kept = drop_unportable(material.environment, verdict.pass_to_pass)
        if limit is None or len(kept) <= limit:
            return kept
        return nearest(
            kept,
            patch=material.bug.patch,
            ran=cached_lines(material.environment.id),
            failing=verdict.fail_to_pass,
            limit=limit,
        )

    def refine(material: Material) -> Material:
        tree = by_id[material.task.id].tree
        return replace(
            material,
            licence=tree.licence.expression,
            benchmarks=tree.overlap.benchmarks if tree.overlap else (),
            overlaps=overlapping,
            nearest=select_near(material),
        )

    return refine


def drop_unportable(environment: Environment, tests: Sequence[str]) -> tuple[str, ...]:
    """Leave out tests whose ids name the environment's folder: elsewhere there are none such.

    Newer baselines set them aside.
    """
    folder = f"/{environment.handle}/"
    return tuple(test for test in tests if not environment.handle or folder not in test)


def lines_run(store: Store, environment: str) -> dict[str, Masks]:
    """Return the lines that each test of a baseline was seen to run; nothing where not known."""
    data = store.coverage(environment)
    coverage = decode(data) if data else None
    return {test: seen.lines for test, seen in coverage.tests.items()} if coverage else {}


def overlaps(passed: Sequence[GateSubject]) -> int:
    """Count the tasks on repositories of public benchmarks."""
    return sum(subject.tree.overlap is not None for subject in passed)


def describe_overlap(count: int) -> str:
    """Say how many tasks overlap public benchmarks."""
    return f"{count} on repositories of public benchmarks"


def explain_none_left(stopped: Sequence[StoppedTask]) -> str:
    """Say that no task leaves, with why one of those that were stopped most does not."""
    gate, _ = Counter(each.gate for each in stopped).most_common(1)[0]
    why = next(each.why for each in stopped if each.gate == gate)
    return NONE_LEFT.format(told=describe_stopped(stopped), gate=gate, why=why)


def describe_stopped(stopped: Sequence[StoppedTask]) -> str:
    """Say how many tasks each gate stopped."""
    counts = Counter(each.gate for each in stopped)
    told = ", ".join(f"{count} by {gate}" for gate, count in counts.items())
    return f"{len(stopped)} stopped" + (f" ({told})" if told else "")

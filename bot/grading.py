"""Run a task again from scratch, and grade patches on it: the rules are those of judging."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.finding import Found
from bot.settings import build_env
from harness import backends
from harness.judge import Grade, grade
from harness.local_engine import LocalEngine
from harness.sandbox import Limits
from storage.trees import Trees
from syntax.applying import apply_patch
from tasks.start_state import grading_files, hidden_files

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Both sides of a task, from scratch."""

    task: str
    empty: Grade
    """The start state as it is: must be unsolved."""
    gold: Grade
    """The bug's patch undone: must be solved."""

    @property
    def holds(self) -> bool:
        """Every FAIL_TO_PASS red with the bug and green without, PASS_TO_PASS green on both."""
        red = not self.empty.fail_to_pass_green and not self.empty.pass_to_pass_red
        return red and self.gold.resolved


async def check(found: Found, *, cache: Path, base_image: str | None = None) -> Check:
    """Grade the empty and the gold patch, each in a fresh sandbox."""
    gold = undoing(found, Trees(cache))
    return Check(
        task=found.task.id,
        empty=await grade_patch(found, "", cache=cache, base_image=base_image),
        gold=await grade_files(found, gold, cache=cache, base_image=base_image),
    )


async def grade_patch(
    found: Found, patch: str, *, cache: Path, base_image: str | None = None
) -> Grade:
    """Grade a solver's patch on the start state. Raises PatchError when it does not apply.

    Tests and their configuration are those of the start state, whatever the patch says.
    """
    tests = (*found.verdict.fail_to_pass, *found.verdict.pass_to_pass)
    solved = grading_files(start_state(found, Trees(cache)), patch, tests=tests)
    return await grade_files(found, solved, cache=cache, base_image=base_image)


def start_state(found: Found, trees: Trees) -> Read:
    """Read files as a solver finds them: those of the tree, with the bug in them."""
    broken = apply_patch(found.bug.patch, lambda path: trees.read(found.bug.tree, path))
    broken |= hidden_files(trees, found.bug, found.task.test_patch)

    def read(path: str) -> bytes | None:
        return broken[path] if path in broken else trees.read(found.bug.tree, path)

    return read


def undoing(found: Found, trees: Trees) -> dict[str, bytes | None]:
    """The gold patch's files: what the bug changed, as it was."""
    return apply_patch(found.bug.patch, start_state(found, trees), reverse=True)


async def grade_files(
    found: Found, solved: dict[str, bytes | None], *, cache: Path, base_image: str | None
) -> Grade:
    """Run the suite in a fresh sandbox on the start state with a solver's files over it."""
    trees = Trees(cache)
    tree = found.bug.tree
    backend = backends.choose(found.environment.sandbox, cache=cache, base_image=base_image)
    if not await backend.exists(found.environment):
        with TemporaryDirectory(prefix="bugfoundry-") as folder:
            checkout = Path(folder) / found.repository.name
            trees.materialise(tree, checkout)
            await backend.build(checkout, tree, found.environment.plan, env=build_env())
    engine = LocalEngine(
        backend,
        found.environment,
        found.baseline,
        workers=1,
        read=lambda path: trees.read(tree, path),
        limits=Limits(),
    )
    broken = apply_patch(found.bug.patch, lambda path: trees.read(tree, path))
    run = await engine.run_files({**broken, **solved})
    return grade(found.verdict.fail_to_pass, found.verdict.pass_to_pass, run)

"""Grade a patch on a task: the rules are those of judging."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from forge.grade.lookup import StoredTask
from forge.run.build_variables import build_env
from forge.run.parts import Parts
from harness.judge.judge import Grade, grade
from harness.judge.worker import Files
from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.records import Environment, Plan
from storage.scratch import scratch_folder
from storage.trees import Trees
from syntax.patch_text import apply_patch
from tasks.start_state import grading_files, hidden_files

Read = Callable[[str], bytes | None]


async def grade_patch(
    found: StoredTask, patch: str, *, parts: Parts, cache: Path, base_image: str | None = None
) -> Grade:
    """Grade a solver's patch on the start state. Raises PatchError when it does not apply.

    Tests and their configuration are those of the start state, whatever the patch says.
    """
    tests = (*found.verdict.fail_to_pass, *found.verdict.pass_to_pass)
    solved = grading_files(start_state(found, Trees(cache)), patch, tests=tests)
    return await grade_files(found, solved, parts=parts, cache=cache, base_image=base_image)


def start_state(found: StoredTask, trees: Trees) -> Read:
    """Read files as a solver finds them: those of the tree, with the bug in them."""
    broken = apply_patch(found.bug.patch, lambda path: trees.read_file(found.bug.tree, path))
    broken |= hidden_files(trees, found.bug, found.task.test_patch)

    def read_file(path: str) -> bytes | None:
        return broken[path] if path in broken else trees.read_file(found.bug.tree, path)

    return read_file


def make_known_fix(found: StoredTask, trees: Trees) -> dict[str, bytes | None]:
    """The gold patch's files: what the bug changed, as it was."""
    return apply_patch(found.bug.patch, start_state(found, trees), reverse=True)


async def ensure_environment(found: StoredTask, backend: Backend, trees: Trees) -> Environment:
    """Return a task's environment, built again of its own versions where it is gone.

    Raises BuildFailed.
    """
    environment = found.environment
    here = environment.handle and environment.sandbox == backend.kind
    if here and await backend.exists(environment):
        return environment
    with scratch_folder() as folder:
        checkout = folder / found.repository.name
        trees.materialise(environment.tree, checkout)
        plan = pin_plan(environment)
        return await backend.build(checkout, environment.tree, plan, env=build_env())


def pin_plan(environment: Environment) -> Plan:
    """Return a plan that installs just the versions an environment has, then the code.

    An installer leaves alone what is there already and satisfies it.
    """
    plan, lock = environment.plan, tuple(environment.lock.split())
    if not lock or plan.install[:1] == (lock,):
        return plan
    return replace(plan, install=(lock, *plan.install))


def changed_files(found: StoredTask, trees: Trees, solved: Files) -> dict[str, bytes | None]:
    """Return a solver's files over the start state, as they differ from the unbroken tree."""
    broken = apply_patch(found.bug.patch, lambda path: trees.read_file(found.bug.tree, path))
    return {**broken, **solved}


async def grade_files(
    found: StoredTask, solved: Files, *, parts: Parts, cache: Path, base_image: str | None
) -> Grade:
    """Run the suite in a fresh sandbox on the start state with a solver's files over it."""
    trees = Trees(cache)
    tree = found.bug.tree
    backend = parts.make_backend(found.environment.sandbox, cache=cache, base_image=base_image)
    environment = await ensure_environment(found, backend, trees)
    engine = parts.make_engine(
        backend,
        environment,
        found.baseline,
        workers=1,
        read=lambda path: trees.read_file(tree, path),
        limits=SandboxLimits(),
    )
    run = await engine.run_files(changed_files(found, trees, solved))
    return grade(found.verdict.fail_to_pass, found.verdict.pass_to_pass, run)

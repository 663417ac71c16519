"""Grade a patch on a task: the rules are those of judging."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forge.grade.intake import take_patch
from forge.grade.lookup import StoredTask
from forge.run.build_variables import build_env
from forge.run.parts import Parts
from harness.judge.judge import Grade, grade
from harness.judge.worker import Files
from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.records import Environment, Plan
from storage.scratch import scratch_folder
from storage.trees import Trees


async def grade_patch(
    found: StoredTask, patch: str, *, parts: Parts, cache: Path, base_image: str | None = None
) -> Grade:
    """Grade a solver's patch on the start state. Raises PatchError when it does not apply.

    Tests and what decides how they run are those of the start state, whatever the patch says.
    """
    intake = take_patch(found, Trees(cache), patch)
    found_grade = await grade_files(
        found, intake.files, parts=parts, cache=cache, base_image=base_image
    )
    return replace(found_grade, taken_back=intake.taken_back, notes=intake.notes)


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


async def grade_files(
    found: StoredTask, files: Files, *, parts: Parts, cache: Path, base_image: str | None
) -> Grade:
    """Run the suite in a fresh sandbox with a solver's files over the unbroken tree."""
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
    run = await engine.run_files(files)
    return grade(found.verdict.fail_to_pass, found.verdict.pass_to_pass, run)

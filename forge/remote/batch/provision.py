"""Have a batch's environment on this machine: pulled by digest, found in the cache, or built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forge.remote.batch.environments import Packed
from forge.run.build_variables import build_env
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.sandbox import Backend, BuildFailed
from storage import sources
from storage.errors import BatchError
from storage.records import Environment
from storage.scratch import scratch_folder
from storage.trees import Trees

ANOTHER = (
    "the environment that was built here is not the batch's: {what} differs; have its image pushed "
    "(`bugfoundry env push`) and name it when planning (--image)"
)
NOWHERE = (
    "the batch's environment is not on this machine; name its code with --source, or push its image"
)


async def obtain(
    packed: Packed, backend: Backend, *, source: str | None, cache: Path
) -> Environment:
    """Return the environment as it is on this machine. Raises BatchError, or BuildFailed."""
    wanted = packed.environment
    if packed.image and isinstance(backend, DockerBackend):
        return replace(wanted, handle=await backend.pull(packed.image))
    if await backend.exists(wanted):
        return wanted
    if source is None:
        raise BatchError(NOWHERE)
    return await build(wanted, backend, source, cache)


async def build(wanted: Environment, backend: Backend, source: str, cache: Path) -> Environment:
    """Build it from the code that ``source`` names, and check that it is the same."""
    trees = Trees(cache)
    repository = sources.fetch(sources.parse(source), cache=cache, trees=trees)
    if repository.tree != wanted.tree:
        raise BatchError(f"{source} holds other files than the batch was made for: another tree")
    with scratch_folder() as folder:
        checkout = folder / repository.name
        trees.materialise(repository.tree, checkout)
        try:
            built = await backend.build(checkout, wanted.tree, wanted.plan, env=build_env())
        except BuildFailed as error:
            raise BatchError(f"the batch's environment cannot be built here: {error}") from error
    if built.id != wanted.id:
        raise BatchError(ANOTHER.format(what=difference(built, wanted)))
    return built


def difference(built: Environment, wanted: Environment) -> str:
    """Say in what two environments differ."""
    parts = {
        "the base": built.base != wanted.base,
        "the architecture": built.arch != wanted.arch,
        "what is installed": built.lock != wanted.lock,
    }
    return ", ".join(name for name, differs in parts.items() if differs) or "the plan"

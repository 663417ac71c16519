"""Which definitions a model is asked about: by seed, spread over files, those with some logic.

Files are worked one after another, a few definitions each, so that what is told of a file is
cached for the next question; then the round begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

from mutators.model.definitions import Definition
from mutators.model.project import ProjectView

Accepts = Callable[[Definition], bool]

PER_VISIT = 3
"""Definitions of a file that are asked about together, where fewer would do to spread them."""
LEAST_STATEMENTS = 3
MOST_BYTES = 8000
MOST_WEIGHT = 30
BOILERPLATE = frozenset(
    f"__{name}__"
    for names in (
        ("repr", "str", "format", "hash", "bool", "sizeof", "dir", "del", "fspath"),
        ("eq", "ne", "lt", "le", "gt", "ge"),
        ("reduce", "reduce_ex", "getstate", "setstate", "getnewargs", "copy", "deepcopy"),
        ("class_getitem", "init_subclass", "set_name"),
    )
    for name in names
)
LEFT_OUT = (b"overload", b"abstractmethod", b"no cover", b"skipif", b"deprecated")
"""In a head: no body of its own, or none that a test runs."""


def has_logic(definition: Definition) -> bool:
    """Say whether something can go wrong in a definition, and it is short enough to be shown."""
    name = definition.own
    if name in BOILERPLATE or name.startswith("test") or len(definition.code) > MOST_BYTES:
        return False
    line = definition.code[: len(definition.head) + 80].split(b"\n")[definition.head.count(b"\n")]
    if any(mark in definition.head or mark in line for mark in LEFT_OUT):
        return False
    if definition.branches:
        return definition.statements >= LEAST_STATEMENTS - 1
    return definition.statements >= LEAST_STATEMENTS and definition.words["call"] > 0


def is_function(definition: Definition) -> bool:
    """Say whether a definition is a function or method with some logic."""
    return not definition.is_class and has_logic(definition)


def weight(definition: Definition) -> int:
    """How much a definition is preferred: by its size and branches, up to a limit."""
    return max(1, min(definition.statements + 2 * definition.branches, MOST_WEIGHT))


def targets(
    project: ProjectView, accepts: Accepts, *, seed: int, wanted: int | None
) -> Iterator[Definition]:
    """Yield every definition that is accepted once; ``wanted`` says how many may be needed."""
    order = list(project.files)
    Random(f"{seed}:files").shuffle(order)
    size = None if wanted is None else max(PER_VISIT, -(-wanted // max(len(order), 1)))
    piles: dict[str, Iterator[Definition]] = {}
    while order:
        left = []
        for path in order:
            if path not in piles:
                piles[path] = iter(draw_definitions(project, path, accepts, seed=seed))
            found = list(islice(piles[path], size))
            yield from found
            if size is not None and len(found) == size:
                left.append(path)
        order = left


def draw_definitions(
    project: ProjectView, path: str, accepts: Accepts, *, seed: int
) -> list[Definition]:
    """Return the definitions of a file in an order by chance, weighted by what they hold.

    As Efraimidis and Spirakis draw without replacement: https://doi.org/10.1016/j.ipl.2005.11.003
    """
    if project.source(path).root.has_error:
        return []
    chance = Random(f"{seed}:{path}")
    found = [d for d in project.definitions(path) if accepts(d) and not project.is_test(d)]
    keys = [chance.random() ** (1 / weight(d)) for d in found]
    ranked = sorted(zip(keys, found, strict=True), key=lambda pair: -pair[0])
    return [definition for _, definition in ranked]

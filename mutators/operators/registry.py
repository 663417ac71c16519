"""The operators there are. A new one is a new class and its name in its family's module."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType

from mutators.base.operator import Operator
from mutators.operators import (
    branches,
    calls,
    classes,
    expressions,
    flow,
    forgotten,
    losses,
    names,
    shared_state,
    slips,
    state,
    values,
)

FAMILIES: tuple[ModuleType, ...] = (
    classes,
    flow,
    branches,
    expressions,
    slips,
    values,
    calls,
    forgotten,
    losses,
    names,
    shared_state,
    state,
)


@functools.cache
def operators() -> tuple[Operator, ...]:
    """Every operator, by name."""
    found = [
        kind()
        for family in FAMILIES
        for kind in vars(family).values()
        if inspect.isclass(kind)
        and issubclass(kind, Operator)
        and not inspect.isabstract(kind)
        and hasattr(kind, "name")
        and kind.__module__ == family.__name__
    ]
    return tuple(sorted(found, key=lambda operator: operator.name))

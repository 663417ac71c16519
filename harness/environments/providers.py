"""Find what of the repository's own lists brings a module that is missing. Pure."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from itertools import pairwise

from harness.detect.distributions import DISTRIBUTIONS
from harness.detect.model import normalise, requirement_name, requirement_names
from harness.environments.repair_context import Provider, RepairContext

Steps = tuple[tuple[str, ...], ...]
KINDS = ("extra", "group", "list")


def find_distribution(module: str, known: RepairContext) -> str:
    """Return what is installed for a module, empty when nothing trustworthy says so.

    One that an extra, a group or a file of the repository names goes before what is well known:
    a folder of the tree may have the name of the module that is tested there. Any other module of
    the tree has none.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return ""
    listed = list_provided(known)
    found = next((name for name in guess_names(module) if name in listed), "")
    if found:
        return found
    if top in known.own:
        return ""
    if top in DISTRIBUTIONS:
        return DISTRIBUTIONS[top]
    return normalise(top) if known.mentions(normalise(top)) else ""


def guess_names(module: str) -> Iterable[str]:
    """Yield the names under which a module may be distributed, the surest first."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        dotted = ".".join(parts[:length])
        if dotted in DISTRIBUTIONS:
            yield requirement_name(DISTRIBUTIONS[dotted])
        yield normalise(dotted)
    yield from (f"python-{normalise(parts[0])}", f"py{normalise(parts[0])}")


def list_provided(known: RepairContext) -> frozenset[str]:
    """Return the names of all that the repository's lists could bring; the project is there."""
    lists = (requirement_names(each.requirements) for each in known.providers)
    return frozenset[str]().union(*lists) - {known.project}


def install_provided(
    steps: Steps, wanted: Collection[str], known: RepairContext
) -> tuple[Steps, list[str]]:
    """Return the steps with what brings the wanted distributions, and what was added to them.

    The fewest providers are taken, of extras before groups before lists; what none brings is
    asked for by its name.
    """
    left = {requirement_name(name) for name in wanted}
    added: list[str] = []
    while found := choose_provider(left, known.providers):
        more = add_provider(steps, found, left)
        if more != steps:
            steps = more
            whole = found.kind != "list" and found.is_whole
            label = f"{found.kind} {found.name!r}" if whole else ""
            added += [label] if label else sorted(left & requirement_names(found.requirements))
        left -= requirement_names(found.requirements)
    spelled = tuple(name for name in wanted if requirement_name(name) in left)
    return (*steps, spelled) if spelled else steps, [*added, *spelled]


def choose_provider(wanted: Collection[str], providers: Iterable[Provider]) -> Provider | None:
    """Return the provider that brings most of what is wanted and least besides."""
    fitting = [each for each in providers if requirement_names(each.requirements) & set(wanted)]
    return max(fitting, key=lambda each: rate_provider(each, wanted), default=None)


def rate_provider(provider: Provider, wanted: Collection[str]) -> tuple[int, bool, int, int]:
    covered = len(requirement_names(provider.requirements) & set(wanted))
    kind = -KINDS.index(provider.kind)
    return covered, provider.is_whole, kind, -len(provider.requirements)


def add_provider(steps: Steps, provider: Provider, wanted: Collection[str]) -> Steps:
    """Return the steps with a provider added to the step that installs the package."""
    place = next((n for n, step in enumerate(steps) if find_target(step)), None)
    if provider.kind == "list" or not provider.is_whole or place is None:
        lines = tuple(r for r in provider.requirements if requirement_name(r) in wanted)
        return (*steps, lines) if lines not in steps else steps
    step = steps[place]
    if provider.kind == "extra":
        words = tuple(add_extra(w, provider.name) if w == find_target(step) else w for w in step)
    else:
        pair = ("--group", provider.name)
        words = step if pair in pairwise(step) else (*step, *pair)
    return (*steps[:place], words, *steps[place + 1 :])


def find_target(step: tuple[str, ...]) -> str:
    """Return the word by which a step installs the package at the root, empty when it does not."""
    return next((word for word in step if word.partition("[")[0] in (".", "./")), "")


def add_extra(target: str, name: str) -> str:
    place, _, listed = target.partition("[")
    extras = {each.strip() for each in listed.rstrip("]").split(",") if each.strip()}
    return f"{place}[{','.join(sorted({*extras, name}))}]"

"""Bugs of a small package that are verified by running it: real parents for joined bugs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from mutators.procedural import propose
from storage.records import Bug, Verdict
from syntax.patch_text import apply_patch
from tests.furniture.project import SOURCE

TILL = '''"""Bills."""

from shop import Basket, discount, parse


def bill(text, names, members=False):
    prices = parse(text)
    basket = Basket()
    for name in names:
        basket.add(name)
    total = basket.total(prices)
    if total < 0:
        raise ValueError("a negative bill")
    return discount(total, members)


def shares(total, people):
    each = total // people
    rest = total - each * people
    return [each + 1] * rest + [each] * (people - rest)


def cheapest(text):
    prices = parse(text)
    best = None
    for name, price in prices.items():
        if best is None or price < prices[best]:
            best = name
    return best
'''
FILES = {"src/shop.py": SOURCE.encode(), "src/till.py": TILL.encode()}
TREE = "0" * 40
TEXT = "tea = 3\n# sweet\ncake=40\n\nbread = 7"

CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "clamp low": lambda m: m.clamp(-5, 0, 10) == 0,
    "clamp high": lambda m: m.clamp(11, 0, 10) == 10,
    "clamp within": lambda m: m.clamp(3, 0, 10) == 3,
    "discount none": lambda m: m.discount(10) == 10,
    "discount small": lambda m: m.discount(50) == 47.5,
    "discount large": lambda m: m.discount(100) == 90,
    "discount member": lambda m: m.discount(10, members=True) == 9.8,
    "parse": lambda m: m.parse(TEXT) == {"tea": 3, "cake": 40, "bread": 7},
    "parse nothing": lambda m: m.parse(" # no\n\n") == {},
    "parse wrong": lambda m: raises(KeyError, lambda: m.parse("tea=x")),
    "total": lambda m: m.Basket().add("tea", 2).total({"tea": 3}) == 6,
    "count": lambda m: len(m.Basket().add("tea", 2).add("cake")) == 3,
    "own baskets": lambda m: len(m.Basket().add("tea")) == 1 and len(m.Basket()) == 0,
    "bill": lambda m: m.bill(TEXT, ["tea", "cake"]) == 43,
    "bill discount": lambda m: m.bill(TEXT, ["cake", "cake"]) == 76,
    "bill member": lambda m: m.bill(TEXT, ["tea"], members=True) == 2.94,
    "shares": lambda m: m.shares(10, 3) == [4, 3, 3],
    "shares even": lambda m: m.shares(9, 3) == [3, 3, 3],
    "cheapest": lambda m: m.cheapest(TEXT) == "tea",
    "cheapest last": lambda m: m.cheapest("cake=4\ntea=1") == "tea",
    "cheapest of nothing": lambda m: m.cheapest("") is None,
}


def raises(kind: type[Exception], call: Callable[[], object]) -> bool:
    """Say whether a call raises."""
    try:
        call()
    except kind:
        return True
    return False


def content(bug: Bug) -> dict[str, bytes]:
    """The files with a bug."""
    changed = apply_patch(bug.patch, FILES.get)
    return FILES | {path: data for path, data in changed.items() if data is not None}


@functools.cache
def judged(bug: Bug) -> Verdict:
    """Run the checks on the package with a bug, and say which fail."""
    files, names = content(bug), {"__name__": "shop"}
    red = list(CHECKS)
    try:
        for path in sorted(files):
            code = files[path].decode().replace("from shop import Basket, discount, parse", "")
            exec(compile(code, path, "exec", dont_inherit=True), names)
        red = [name for name, check in CHECKS.items() if not holds(check, SimpleNamespace(**names))]
    except Exception:
        pass
    green = tuple(name for name in CHECKS if name not in red)
    reason = "valid" if red and green else "breaks-everything" if red else "no-test-failed"
    return Verdict(
        bug=bug.id,
        environment="here",
        harness="1",
        mode="full",
        reason=reason,
        fail_to_pass=tuple(red),
        pass_to_pass=green,
    )


def holds(check: Callable[[Any], bool], module: SimpleNamespace) -> bool:
    """Say whether a check is green."""
    try:
        return check(module)
    except Exception:
        return False


@functools.cache
def parents() -> tuple[tuple[Bug, Verdict], ...]:
    """Valid bugs of the package with their verdicts."""
    proposed = propose(TREE, FILES, {}, seed=0, max_bugs=None, compiles=None)
    found = [(bug, judged(bug)) for bug in proposed]
    return tuple((bug, verdict) for bug, verdict in found if verdict.valid)

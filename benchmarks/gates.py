"""How long the gate of near-duplicates takes, and what it needs, for many made-up tasks.

    python -m benchmarks.gates 50000

Tasks are on made-up files: one-line changes of five kinds in functions of made-up names, one in
twenty a repetition of an earlier one, one in ten with a statement of its own.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator

from storage.records import Bug, FileChange, Origin, Repository, Task
from syntax.patches import unified_diff
from tasks.gates.duplicates import near_duplicates
from tasks.gates.subject import GateSubject, GateTree, Rules
from tasks.statements import statement

WORDS = (
    "price",
    "count",
    "basket",
    "item",
    "rate",
    "total",
    "order",
    "user",
    "name",
    "key",
    "node",
)
CHANGES = (
    (" + ", " - "),
    (" < ", " <= "),
    ("return ", "return not "),
    (" and ", " or "),
    (".", "?."),
)
PASSING = tuple(f"tests/test_{number // 40}.py::test_{number % 40}" for number in range(12000))
PLACE = GateTree(
    repository=Repository(owner="me", name="big", commit="c" * 40, tree="t", source="big"),
    paths=frozenset(),
    read=lambda path: None,
    read_all=lambda paths: {},
)


def source(chance: random.Random) -> list[str]:
    """Return the lines of one function."""
    name = chance.choice
    lines = [f"def {name(WORDS)}_{name(WORDS)}_{chance.randrange(9999)}({name(WORDS)}, limit):"]
    for _ in range(chance.randrange(5, 12)):
        lines.append(
            f"    {name(WORDS)}_{chance.randrange(99)} = {name(WORDS)}.{name(WORDS)} + limit"
            f" if {name(WORDS)} < {chance.randrange(99)} and {name(WORDS)} else {name(WORDS)}"
        )
    return [*lines, f"    return {name(WORDS)}"]


def made(number: int, chance: random.Random) -> GateSubject:
    """Return one task."""
    lines = source(chance)
    at = chance.randrange(1, len(lines))
    broken = list(lines)
    for old, new in CHANGES:
        if old in broken[at]:
            broken[at] = broken[at].replace(old, new, 1)
            break
    tests = tuple(f"tests/test_{number % 300}.py::test_{chance.randrange(40)}" for _ in range(3))
    told = chance.random() < 0.1
    words = " ".join(f"{chance.choice(WORDS)} {chance.randrange(999)}" for _ in range(40))
    bug = Bug(
        tree="t",
        patch=unified_diff("big.py", "\n".join(lines).encode(), "\n".join(broken).encode()),
        changes=(FileChange(path="big.py", mode="100644", sha256=f"{number:064x}"),),
        origin=Origin(strategy="procedural", path=f"m{number % 500}.py", entity=f"f{number}"),
    )
    task = Task(
        id=f"task-{number:06}",
        bug=bug.id,
        environment="e",
        statement=words if told else statement("big", tests),
        created="",
    )
    return GateSubject(task=task, bug=bug, tree=PLACE, fail_to_pass=tests, passing=PASSING)


def many(count: int) -> Iterator[GateSubject]:
    """Yield tasks, one in twenty a repetition."""
    chance = random.Random(7)
    state = chance.getstate()
    for number in range(count):
        if number % 20 == 19:
            after = chance.getstate()
            chance.setstate(state)
            yield made(number, chance)
            chance.setstate(after)
        else:
            state = chance.getstate()
            yield made(number, chance)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    subjects = list(many(count))
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.monotonic()
    stopped = list(near_duplicates(subjects, Rules()))
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{count} tasks, {len(stopped)} repeat another: "
        f"{after.ru_utime - before.ru_utime:.0f} s of CPU, {time.monotonic() - started:.0f} s, "
        f"{after.ru_maxrss / 1024:.0f} MB (tasks alone {before.ru_maxrss / 1024:.0f})"
    )


if __name__ == "__main__":
    main()

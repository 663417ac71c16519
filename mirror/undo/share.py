"""How much of a fix is undone by a change that nobody merged statement by statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mirror.undo.fixes import FixedFile
from syntax.blocks import IMPORTS
from syntax.modern import parse_modernised
from syntax.normal import Key


def share_undone(
    changes: Iterable[FixedFile],
    homes: Mapping[str, Sequence[str]],
    today: Mapping[str, bytes],
    after: Mapping[str, bytes],
) -> float:
    """Return the share of a fix's changed statements that are what they were, from 0 to 1.

    A statement that the fix added counts when today's code has it and ``after`` has it less often;
    one that it removed when ``after`` has it more often. Heads of compound statements count by
    themselves; imports and docstrings do not count.
    """
    done, total = 0, 0
    for change in changes:
        before, fixed = statements(change.before), statements(change.fixed)
        added, removed = fixed - before, before - fixed
        total += added.total() + removed.total()
        home = next(iter(homes.get(change.path, ())), "")
        if home not in after:
            continue
        old, new = statements(today.get(home)), statements(after[home])
        done += (added & (old - new)).total() + (removed & (new - old)).total()
    return done / total if total else 0.0


def statements(data: bytes | None) -> Counter[Key]:
    """Count the statements of a file by their normal form, compound ones by their heads."""
    module = parse_modernised(data)
    found: Counter[Key] = Counter()
    for statement in module.walk() if module is not None else ():
        if statement.docstring or statement.kind in IMPORTS:
            continue
        if statement.clauses:
            found.update((clause.family, clause.key) for clause in statement.clauses)
        else:
            found[statement.key] += 1
    return found

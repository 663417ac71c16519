"""Near-duplicates: of tasks that ask for the same thing one is kept, the best and not the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tasks.gates.subject import GateSubject, Rules
from tasks.likeness import Alike, Shingles, around, jaccard, of_patch, of_text

STRATEGIES = ("mirror", "modify", "rewrite", "combine", "procedural")
"""From what people did to what no person would."""
SAME_PLACE = 0.5
"""Likeness of the lines around two changes: the same change in other code is another bug."""


def near_duplicates(subjects: Sequence[GateSubject], rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield tasks that repeat a better one, each with why.

    Whoever asks in another order gets the same answer: the best is looked at first, and a task is
    measured against those that are kept alone, so that likeness is not handed on in a chain.
    """
    places: dict[tuple[object, ...], str] = {}
    patches, statements = Alike(rules.likeness), Alike(rules.likeness)
    context: dict[str, Shingles] = {}
    for subject in sorted(subjects, key=merit):
        name, origin = subject.task.id, subject.bug.origin
        place = (subject.bug.tree, origin.path, origin.entity, frozenset(subject.fail_to_pass))
        patch, here = of_patch(subject.bug.patch), around(subject.bug.patch)
        text = of_text(subject.task.statement) if subject.has_written_statement else frozenset()
        if place in places:
            yield name, f"same code and same failing tests as {places[place]}"
        elif near := patches.nearest(patch, same_place(here, context)):
            yield name, f"its patch is that of {near[0]} ({near[1]:.0%} alike)"
        elif near := statements.nearest(text):
            yield name, f"its statement is that of {near[0]} ({near[1]:.0%} alike)"
        else:
            places[place], context[name] = name, here
            patches.add(name, patch)
            statements.add(name, text)


def same_place(here: Shingles, context: Mapping[str, Shingles]) -> Callable[[str], bool]:
    """Return what says of a task whether its change stands in the same code as one ``here``."""

    def is_same(other: str) -> bool:
        there = context[other]
        return here == there or jaccard(here, there) >= SAME_PLACE

    return is_same


def merit(subject: GateSubject) -> tuple[object, ...]:
    """Order tasks, the best first: somebody's words, a person's bug, few tests, a small patch."""
    strategy = subject.bug.origin.strategy
    return (
        not subject.has_written_statement,
        STRATEGIES.index(strategy),
        -subject.bug.origin.undone,
        len(subject.fail_to_pass),
        len(subject.bug.patch),
        subject.task.id,
    )

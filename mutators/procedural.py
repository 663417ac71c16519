"""Procedural bugs: mutations of the syntax tree, as minimal splices of the source text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from random import Random

from mutators.base.checks import Compiles
from mutators.base.files import Files, Wound
from mutators.base.operator import Operator, ParsedSource, Scattered
from mutators.likely import draw_by_weight, ratio_of
from mutators.operators.registry import operators as all_operators
from mutators.samples import SiteEdit, sample_edits
from mutators.together import JOINED, join_candidates
from storage.records import Bug, FileChange, Origin
from syntax.features.profile import Profile

BATCH = 64
"""Candidates that are asked about at once when another Python compiles them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that the running Python finds worth proposing, and the source to compile."""

    bug: Bug
    unit: str


def propose(
    tree: str,
    files: Mapping[str, bytes],
    modes: Mapping[str, str],
    *,
    seed: int,
    max_bugs: int | None,
    compiles: Compiles | None,
    operators: Collection[str] | None = None,
    profile: Profile | None = None,
    tests: tuple[str, ...] = (),
) -> Iterator[Bug]:
    """Yield distinct bugs, deterministic by seed, evenly over files, operators and entities.

    With a ``profile`` they are drawn from those, and from such as are joined of several, by how
    much they look like people's bugs.

    ``files`` are the sources that may be changed; tests among them are left alone, and so are
    those of ``tests``, ids, that share a file with the code. ``compiles``
    asks another Python than the running one; None when the running one is the environment's.
    """
    chosen = [o for o in all_operators() if operators is None or o.name in operators]
    Random(seed).shuffle(chosen)
    read = Files(files, modes, tests)
    candidates = candidates_of(tree, read, chosen, seed=seed)
    if profile is not None:
        scattered = [operator for operator in chosen if isinstance(operator, Scattered)]
        candidates = in_turn(
            candidates,
            candidates_of(tree, read, scattered, seed=seed),
            joined_of(tree, read, chosen, seed=seed),
        )
    candidates = distinct(candidates)
    if profile is not None:
        candidates = draw_by_weight(
            candidates, lambda c: ratio_of(c.bug, files, profile), seed=seed
        )
    bugs = (
        (c.bug for c in candidates) if compiles is None else select_compilable(candidates, compiles)
    )
    return islice(bugs, max_bugs)


def candidates_of(
    tree: str, read: Files, operators: Collection[Operator], *, seed: int
) -> Iterator[Candidate]:
    """Yield what passes the running Python's check, in the order of the sample."""
    for source, edit in sample_edits(read.files, read.source, operators, seed=seed):
        wound = read.file(source.path).make_wound(edit.splices, edit.site.units)
        if wound is not None:
            yield candidate(tree, [wound], source, edit, edit.site.operator.name, seed=seed)


def joined_of(
    tree: str, read: Files, operators: Collection[Operator], *, seed: int
) -> Iterator[Candidate]:
    """Yield joined candidates that pass the running Python's check in each of their files."""
    for source, edit, changes in join_candidates(read.files, read.source, operators, seed=seed):
        wounds = [read.file(path).make_wound(splices) for path, splices in changes.items()]
        good = [wound for wound in wounds if wound is not None]
        if len(good) == len(wounds):
            yield candidate(tree, good, source, edit, JOINED, seed=seed)


def candidate(
    tree: str,
    wounds: Sequence[Wound],
    source: ParsedSource,
    edit: SiteEdit,
    operator: str,
    *,
    seed: int,
) -> Candidate:
    """Make a bug of what it does to each file."""
    origin = Origin(
        strategy="procedural",
        operator=operator,
        path=source.path,
        entity=edit.site.entity,
        line=source.text.line_at(edit.splices[0].start) + 1,
        seed=seed,
    )
    bug = Bug(
        tree=tree,
        patch="".join(wound.patch for wound in wounds),
        changes=tuple(wound.change for wound in wounds),
        origin=origin,
    )
    return Candidate(bug, "\n".join(wound.unit for wound in wounds))


def in_turn(*streams: Iterable[Candidate]) -> Iterator[Candidate]:
    """Take from streams in turn, until all have ended."""
    taken = chain.from_iterable(zip_longest(*streams))
    return (each for each in taken if each is not None)


def distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Leave out what has the same effect as one before."""
    seen: set[tuple[FileChange, ...]] = set()
    for candidate in candidates:
        if candidate.bug.changes not in seen:
            seen.add(candidate.bug.changes)
            yield candidate


def select_compilable(candidates: Iterator[Candidate], compiles: Compiles) -> Iterator[Bug]:
    """Leave out what another Python does not compile, asking for many at once."""
    while batch := list(islice(candidates, BATCH)):
        answers = compiles([candidate.unit for candidate in batch])
        yield from (c.bug for c, good in zip(batch, answers, strict=True) if good)

"""Procedural bugs: mutations of the syntax tree, as minimal splices of the source text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from random import Random

from mutators.checking import Compiles
from mutators.files import File
from mutators.likely import drawn, ratio_of
from mutators.operator import Operator, Source
from mutators.registry import operators as all_operators
from mutators.sampling import Edit, sampled
from storage.records import Bug, FileChange, Origin
from syntax.features.profile import Profile
from syntax.languages import language_of
from syntax.paths import is_test_path

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
) -> Iterator[Bug]:
    """Yield distinct bugs, deterministic by seed, evenly over files, operators and entities.

    With a ``profile`` they are drawn from those by how much they look like people's bugs.

    ``files`` are the sources that may be changed; tests among them are left alone. ``compiles``
    asks another Python than the running one; None when the running one is the environment's.
    """
    chosen = [o for o in all_operators() if operators is None or o.name in operators]
    Random(seed).shuffle(chosen)
    candidates = distinct(candidates_of(tree, files, modes, chosen, seed=seed))
    if profile is not None:
        candidates = drawn(candidates, lambda c: ratio_of(c.bug, files, profile), seed=seed)
    bugs = (c.bug for c in candidates) if compiles is None else compiled(candidates, compiles)
    return islice(bugs, max_bugs)


def candidates_of(
    tree: str,
    files: Mapping[str, bytes],
    modes: Mapping[str, str],
    operators: Collection[Operator],
    *,
    seed: int,
) -> Iterator[Candidate]:
    """Yield what passes the running Python's check, in the order of the sample."""
    loaded: dict[str, File] = {}

    def load(path: str) -> Source | None:
        language = language_of(path)
        if language is None or is_test_path(path) or not is_utf8(files[path]):
            return None
        source = Source.of(path, files[path], language)
        loaded[path] = File.of(source, modes.get(path, "100644"))
        return source

    for source, edit in sampled(files, load, operators, seed=seed):
        candidate = check(tree, loaded[source.path], edit, seed=seed)
        if candidate is not None:
            yield candidate


def check(tree: str, file: File, edit: Edit, *, seed: int) -> Candidate | None:
    """Make a candidate out of a change, or nothing when it is not worth proposing."""
    wound = file.wound(edit.splices, edit.site.units)
    if wound is None:
        return None
    source, site = file.source, edit.site
    origin = Origin(
        strategy="procedural",
        operator=site.operator.name,
        path=source.path,
        entity=site.entity,
        line=source.text.line_at(edit.splices[0].start) + 1,
        seed=seed,
    )
    bug = Bug(tree=tree, patch=wound.patch, changes=(wound.change,), origin=origin)
    return Candidate(bug, wound.unit)


def distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Leave out what has the same effect as one before."""
    seen: set[tuple[FileChange, ...]] = set()
    for candidate in candidates:
        if candidate.bug.changes not in seen:
            seen.add(candidate.bug.changes)
            yield candidate


def compiled(candidates: Iterator[Candidate], compiles: Compiles) -> Iterator[Bug]:
    """Leave out what another Python does not compile, asking for many at once."""
    while batch := list(islice(candidates, BATCH)):
        answers = compiles([candidate.unit for candidate in batch])
        yield from (c.bug for c, good in zip(batch, answers, strict=True) if good)


def is_utf8(data: bytes) -> bool:
    """Say whether a file is text that the checks can read, with no encoding of its own."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not data.startswith(b"\xef\xbb\xbf")

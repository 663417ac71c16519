"""Join candidates that belong together into one that is in several places.

What people mend at once is not all one name that was forgotten. Two kinds are joined: what was left
out in the same entity or class, or of the same name; and the same mistake at each place where it
can be made. Others would be several bugs, and no person's.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise, zip_longest
from random import Random

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, Scattered
from mutators.base.sites import sites
from mutators.base.uses import uses
from mutators.samples import Load, SiteEdit, edits_of, sample_edits
from syntax.splices import Splice, Splices

JOINED = "joined"
"""What takes the place of an operator's name."""
SIZES = (2, 2, 2, 3, 3, 4, 5, 7)
"""How many candidates are joined, as often as they stand here."""
MOST_EDITS = 400
"""Candidates of a file that others are joined with."""
RARE = 12
"""A name that a file uses more often tells nothing."""
FEW_FILES = 6
"""A name that more files use is no idea of its own."""
TOKEN = re.compile(rb"\w+|[^\w\s]")
NAME = re.compile(rb"[A-Za-z_]\w{3,}")
COMMON = frozenset(name.encode() for name in [*dir(builtins), *keyword.kwlist, "self"])

Place = tuple[ParsedSource, SiteEdit]
Joined = dict[str, Splices]
"""The changes of each file, by path."""


@dataclass(slots=True)
class CandidatePool:
    """The candidates of the files read so far, by what joins them."""

    operators: Collection[Operator]
    chance: Random
    entities: dict[tuple[str, str], list[Place]] = field(default_factory=lambda: defaultdict(list))
    """What was left out, by path and entity."""
    names: dict[tuple[str, bytes], list[Place]] = field(default_factory=lambda: defaultdict(list))
    """What was left out, by path and a name in it."""
    files: dict[bytes, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The files that use a name, by name."""
    defined: set[bytes] = field(default_factory=set)
    """The names of the functions and classes of all of them."""
    same: dict[tuple[str, ...], list[Place]] = field(default_factory=lambda: defaultdict(list))
    """What is the same mistake, by what makes it so."""

    def add(self, source: ParsedSource) -> None:
        """Read the candidates of a file."""
        found = [e for s in sites(source, self.operators) for e in edits_of(s, source)]
        rare = rare_names(source)
        for name in sorted(rare):
            self.files[name].append(source.path)
        self.defined.update(name for name in rare if is_defined(name, source))
        for edit in self.chance.sample(found, min(len(found), MOST_EDITS)):
            place = source, edit
            self.same[idea_of(place)].append(place)
            if leaves_out(place):
                if is_in_function(place):
                    self.entities[source.path, edit.site.entity].append(place)
                for name in names_of(place) & rare:
                    self.names[source.path, name].append(place)

    def join(self, anchor: Place) -> Joined | None:
        """Join a candidate with others; None where none fits."""
        others = self._choose_related(anchor)
        wanted = self.chance.choice(SIZES) - 1
        chosen = [anchor]
        for other in self.chance.sample(others, min(len(others), 4 * wanted)):
            if len(chosen) <= wanted and all(are_apart(other, one) for one in chosen):
                chosen.append(other)
        return merge_changes(chosen) if len(chosen) > 1 else None

    def _choose_related(self, anchor: Place) -> list[Place]:
        source, edit = anchor
        if not leaves_out(anchor):
            return self.same[idea_of(anchor)]
        ways: tuple[Callable[[], list[Place]], ...] = (
            lambda: self.same[idea_of(anchor)],
            lambda: self.entities[source.path, edit.site.entity],
            lambda: self._find_by_shared_names(anchor, lambda path: path == source.path),
            lambda: self._find_by_shared_names(
                anchor, lambda path: path != source.path, self.defined
            ),
            lambda: self._find_by_shared_names(anchor, lambda _: True, self.defined),
        )
        return self.chance.choice(ways)()

    def _find_by_shared_names(
        self, anchor: Place, wanted: Callable[[str], bool], known: Container[bytes] | None = None
    ) -> list[Place]:
        """What was left out of the same names, in some files; of ``known`` names alone."""
        found = {
            id(place[1]): place
            for name in sorted(names_of(anchor))
            if 0 < len(self.files[name]) <= FEW_FILES and (known is None or name in known)
            for path in self.files[name]
            if wanted(path)
            for place in self.names[path, name]
        }
        return list(found.values())


def idea_of(place: Place) -> tuple[str, ...]:
    """What makes the same mistake of two places; what is no idea is like none but itself."""
    source, edit = place
    one = edit.splices[0]
    gone = source.text.data[one.start : one.end].split()
    if len(TOKEN.findall(b" ".join(gone))) < 2:
        return (source.path, str(one.start), str(one.text))
    outermost = edit.site.entity.split(".")[0]
    operator = edit.site.operator.name
    return (source.path, outermost, operator, str(gone), str(one.text.split()))


def rare_names(source: ParsedSource) -> set[bytes]:
    """The names that a file uses now and then."""
    known = uses(source)
    counts = Counter[bytes]()
    for table in (known.names, known.attributes, known.keywords):
        counts.update({name: len(nodes) for name, nodes in table.items()})
    return {
        name for name, count in counts.items() if count <= RARE and NAME.fullmatch(name)
    } - COMMON


def is_defined(name: bytes, source: ParsedSource) -> bool:
    """Say whether a name is that of a function or class of a file."""
    return any(
        node.parent is not None and source.word(node.parent) in ("function", "class")
        for node in uses(source).names.get(name, [])
        if node.id in uses(source).binding
    )


def is_in_function(place: Place) -> bool:
    """Say whether a candidate changes a function, and not what a class is made of."""
    source, edit = place
    node: Node | None = edit.site.node
    while node is not None and source.word(node) not in ("function", "class"):
        node = node.parent
    return node is not None and source.word(node) == "function"


def leaves_out(place: Place) -> bool:
    """Say whether a candidate adds nothing: what is left is part of what was there."""
    source, edit = place
    return edit.site.node.type != "string" and all(
        is_part(TOKEN.findall(s.text), TOKEN.findall(source.text.data[s.start : s.end]))
        for s in edit.splices
    )


def is_part(some: list[bytes], whole: list[bytes]) -> bool:
    """Say whether tokens are among others, in their order."""
    rest = iter(whole)
    return len(some) < len(whole) and all(token in rest for token in some)


def names_of(place: Place) -> set[bytes]:
    """The names in what a candidate changes."""
    source, edit = place
    gone = b" ".join(source.text.data[s.start : s.end] for s in edit.splices)
    return set(NAME.findall(gone)) - COMMON


def are_apart(one: Place, other: Place) -> bool:
    """Say whether two candidates change different lines."""
    if one[0] is not other[0]:
        return True
    ours, theirs = lines_of(one), lines_of(other)
    return not any(a[0] <= b[1] and b[0] <= a[1] for a in ours for b in theirs)


def lines_of(place: Place) -> list[tuple[int, int]]:
    """The first and the last line of each place of a candidate."""
    text = place[0].text
    return [
        (text.line_at(s.start), text.line_at(max(s.end - 1, s.start))) for s in place[1].splices
    ]


def merge_changes(places: Iterable[Place]) -> Joined | None:
    """The changes of several candidates; None where they overlap."""
    found: dict[str, list[Splice]] = {}
    for source, edit in places:
        found.setdefault(source.path, []).extend(edit.splices)
    for splices in found.values():
        splices.sort(key=lambda each: each.start)
        if any(one.end > other.start for one, other in pairwise(splices)):
            return None
    return {path: tuple(splices) for path, splices in sorted(found.items())}


def join_candidates(
    paths: Iterable[str], load: Load, operators: Collection[Operator], *, seed: int
) -> Iterator[tuple[ParsedSource, SiteEdit, Joined]]:
    """Yield joined candidates, each with the one that it was begun with; deterministic by seed."""
    pool = CandidatePool(operators, Random(f"{seed}:joined"))

    def load_and_pool(path: str) -> ParsedSource | None:
        source = load(path)
        if source is not None:
            pool.add(source)
        return source

    scattered = [operator for operator in operators if isinstance(operator, Scattered)]
    begun = (
        sample_edits(paths, load_and_pool, operators, seed=seed),
        sample_edits(paths, load, scattered, seed=seed),
    )
    for anchor in chain.from_iterable(zip_longest(*begun)):
        found = pool.join(anchor) if anchor is not None else None
        if anchor is not None and found is not None:
            yield *anchor, found

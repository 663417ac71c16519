"""The features of a bug: how large it is, what kinds of syntax it changes, and where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from syntax.features.changed import ChangedLines, runs
from syntax.features.kinds import KINDS, kinds_of
from syntax.features.lines import ParsedCode
from syntax.features.places import TokenPlace, place_of
from syntax.languages import LANGUAGES, Language, language_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One file that a bug changes: the unbroken bytes, and the broken ones; None: not there."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A bug in numbers. "Gone" is what it takes away from the unbroken code."""

    files: int
    entities: int
    """Functions, classes and modules that it changes."""
    hunks: int
    """Runs of changed lines of code."""
    lines_gone: int
    lines_came: int
    tokens_gone: int
    tokens_came: int
    depth: int
    """Blocks around the wound inside its entity, where it is least."""
    entity_size: int
    """Tokens of the entity of the first run."""
    position: float
    """Where the first run is in its entity, from 0 to 1."""
    in_function: bool
    in_method: bool
    public: bool
    documented: bool
    kinds_gone: frozenset[str]
    """Kinds of syntax of what it takes away; see ``KINDS``."""
    kinds_came: frozenset[str]

    def numbers(self) -> dict[str, float]:
        """Return every feature as a number, by name; the names are always the same."""
        plain = {
            name: float(value)
            for name, value in asdict(self).items()
            if not isinstance(value, frozenset)
        }
        for kind in KINDS:
            plain[f"{kind}_gone"] = float(kind in self.kinds_gone)
            plain[f"{kind}_came"] = float(kind in self.kinds_came)
        return plain


def features_of(sides: Sequence[Side]) -> Features | None:
    """Read a bug's features from its files; None where it changes no code of a known language."""
    read = [(code, found) for side in sides if (code := code_of(side)) if (found := changes(side))]
    if not read:
        return None
    changed = [run for _, found in read for run in found]
    places = [place_of(code, run.place) for code, found in read for run in found]
    language = read[0][0].language
    return summarise_runs(len(read), changed, places, language)


def summarise_runs(
    files: int, changed: Sequence[ChangedLines], places: Sequence[TokenPlace], language: Language
) -> Features:
    """Sum up runs and their places; the first place is told of more closely."""
    first = places[0]
    return Features(
        files=files,
        entities=max(len({place.name for place in places}), files),
        hunks=len(changed),
        lines_gone=sum(run.lines_gone for run in changed),
        lines_came=sum(run.lines_came for run in changed),
        tokens_gone=sum(len(run.gone) for run in changed),
        tokens_came=sum(len(run.came) for run in changed),
        depth=min(place.depth for place in places),
        entity_size=first.size,
        position=round(first.position, 4),
        in_function=first.kind == "function",
        in_method=first.method,
        public=first.public,
        documented=first.documented,
        kinds_gone=kinds_of((token for run in changed for token in run.gone), language),
        kinds_came=kinds_of((token for run in changed for token in run.came), language),
    )


def code_of(side: Side) -> ParsedCode | None:
    """Parse the unbroken side; None for a file of no known language."""
    language = language_of(side.path)
    return None if language is None else parse_code(side.before or b"", language.name)


def changes(side: Side) -> list[ChangedLines]:
    """Return what a bug changes in one file."""
    code = code_of(side)
    return [] if code is None else runs(code, side.after or b"")


def wounds_of(sides: Sequence[Side]) -> list[tuple[str, int]]:
    """Return where the runs of changed lines begin in the unbroken files: path and byte."""
    return [
        (side.path, run.place.node.start_byte)
        for side in sides
        for run in changes(side)
        if run.place is not None
    ]


@lru_cache(maxsize=64)
def parse_code(data: bytes, language: str) -> ParsedCode:
    """Parse the unbroken bytes of a file once for the bugs made in it one after another."""
    return ParsedCode.of(data, next(each for each in LANGUAGES if each.name == language))


def sides_of(changed: Mapping[str, bytes | None], files: Mapping[str, bytes]) -> list[Side]:
    """Pair what a patch leaves behind with the unbroken files."""
    return [
        Side(path=path, before=files.get(path), after=after)
        for path, after in sorted(changed.items())
    ]

"""Search for near-duplicates of tasks in rows of any set: by patch, statement and touched code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import ConfigError
from tasks.gates.subject import GateSubject
from tasks.likeness import Alike, Shingles, jaccard, of_patch, of_text
from tasks.outline import find_touched_places, is_readable

log = logging.getLogger(__name__)

PATCHES = ("patch", "bug_patch", "fix_patch", "gold_patch")
STATEMENTS = ("problem_statement", "statement", "instruction")
IDS = ("instance_id", "task_id", "id")
LIKENESS = 0.5
"""From which something is reported (Jaccard)."""
FEWEST = 5
"""Shingles; two patches of fewer are alike by chance."""
NEITHER = "{path}: no row has a patch ({patches}) or a statement ({statements})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """A row of another set, as far as it can be compared."""

    id: str
    repository: str
    patch: str
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestRow:
    """A task and the row that is nearest to it in one respect."""

    task: str
    row: str
    by: str
    """``patch``, ``statement`` or ``place``: the same functions of the same files."""
    likeness: float
    """Jaccard, from 0 to 1."""
    repository: str
    """Of the row, where it says so."""


def read_rows(path: Path) -> list[DatasetRow]:
    """Read JSON lines of SWE-bench, SWE-smith or ours. Raises ConfigError, naming the line."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            rows = [row_of(path, number, line) for number, line in number_lines(file)]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text; name a file of JSON lines") from error
    if not any(row.patch or row.statement for row in rows):
        told = {"patches": ", ".join(PATCHES), "statements": ", ".join(STATEMENTS)}
        raise ConfigError(NEITHER.format(path=path, **told))
    return rows


def number_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, counted from 1."""
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def row_of(path: Path, number: int, line: str) -> DatasetRow:
    """Read one line. Raises ConfigError."""
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: line {number} is no JSON ({error.msg})") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: line {number} is no JSON object")
    return DatasetRow(
        id=pick_first_text(found, IDS) or f"line {number}",
        repository=pick_first_text(found, ("repo",)),
        patch=pick_first_text(found, PATCHES),
        statement=pick_first_text(found, STATEMENTS),
    )


def pick_first_text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the first of some columns that holds a text; halves of characters are replaced."""
    texts = (row[name] for name in names if isinstance(row.get(name), str) and row[name])
    return next(texts, "").encode("utf-8", "replace").decode("utf-8")


def search(subjects: Iterable[GateSubject], rows: Sequence[DatasetRow]) -> Iterator[NearestRow]:
    """Yield for each task the rows that are near to it, the nearest in each respect.

    A statement that a template made of failing tests is not compared: all are alike.
    """
    _report_empty(rows)
    _report_malformed(rows)
    patches, statements = Alike(LIKENESS), Alike(LIKENESS)
    places: dict[tuple[str, str], list[int]] = {}
    for number, row in enumerate(rows):
        patches.add(str(number), drop_if_few(of_patch(row.patch)))
        statements.add(str(number), drop_if_few(of_text(row.statement)))
        for place in find_touched_places(row.patch):
            places.setdefault(place, []).append(number)
    for subject in subjects:
        text = of_text(subject.task.statement) if subject.has_written_statement else frozenset()
        for by, found in (
            ("patch", patches.nearest(drop_if_few(of_patch(subject.bug.patch)))),
            ("statement", statements.nearest(drop_if_few(text))),
            ("place", nearest_place(our_places(subject), rows, places)),
        ):
            if found:
                row = rows[int(found[0])]
                yield NearestRow(
                    task=subject.task.id,
                    row=row.id,
                    by=by,
                    likeness=round(found[1], 3),
                    repository=row.repository,
                )


def _report_empty(rows: Sequence[DatasetRow]) -> None:
    empty = [row.id for row in rows if not row.patch and not row.statement]
    if empty:
        log.warning(
            "%d of %d rows have no column that is read and are compared with nothing (%s%s)",
            *(len(empty), len(rows), ", ".join(empty[:3]), ", …" * (len(empty) > 3)),
        )


def _report_malformed(rows: Sequence[DatasetRow]) -> None:
    malformed = [row.id for row in rows if not is_readable(row.patch)]
    if malformed:
        log.warning(
            "%d of %d rows are compared by their statement alone: their patch is malformed (%s%s)",
            *(len(malformed), len(rows), ", ".join(malformed[:3]), ", …" * (len(malformed) > 3)),
        )


def drop_if_few(shingles: Shingles) -> Shingles:
    """Return shingles where there are enough to say something, else none."""
    return shingles if len(shingles) >= FEWEST else frozenset()


def our_places(subject: GateSubject) -> frozenset[tuple[str, str]]:
    """Return what a task's bug touches; where its patch does not tell the function, its origin."""
    origin = subject.bug.origin
    leaf = origin.entity.rpartition(".")[2]
    found = find_touched_places(subject.bug.patch)
    return frozenset((path, name or (leaf if path == origin.path else "")) for path, name in found)


def nearest_place(
    ours: frozenset[tuple[str, str]],
    rows: Sequence[DatasetRow],
    places: Mapping[tuple[str, str], Sequence[int]],
) -> tuple[str, float] | None:
    """Return the row that touches most of the same functions of the same files."""
    shared = {number for place in ours for number in places.get(place, ())}
    found = [
        (
            -jaccard(
                make_place_shingles(ours),
                make_place_shingles(find_touched_places(rows[number].patch)),
            ),
            number,
        )
        for number in shared
    ]
    best = min(found, default=(0.0, -1))
    return (str(best[1]), -best[0]) if -best[0] >= LIKENESS else None


def make_place_shingles(places: Iterable[tuple[str, str]]) -> Shingles:
    """Return places as shingles."""
    return frozenset("\0".join(place) for place in places)

"""Rows in a text of predictions: JSON lines, a list, an object by id, or one of them cut off.

What is no JSON is a row of its own that says where and why; the others are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

READ = ("instance_id", "model_patch", "model_name_or_path")
"""The fields that are read of a row, as SWE-bench, SWE-smith and mini-swe-agent write them."""
PATCH_LINE = re.compile(r"^(diff |--- |\+\+\+ |@@ |Index: )", re.MULTILINE)
GAP = re.compile(r"[\s\ufeff,]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRow:
    """A value that may be a prediction, or why there is none."""

    place: str
    """As a person finds it: ``line 3``, ``row 2`` of a list, ``key NAME`` of an object."""
    value: Any = None
    fault: str = ""


class Fields(dict[str, Any]):
    """A JSON object that knows which of its names came again, with what."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self.again: list[tuple[str, Any]] = []
        for name, value in pairs:
            if name in self:
                self.again.append((name, value))
            else:
                self[name] = value


# Not strict: control characters in strings, which some writers leave as they are.
DECODER = json.JSONDecoder(object_pairs_hook=Fields, strict=False)


def rows_in(text: str) -> list[PredictionRow]:
    """Return the rows of a text, in its order; none of an empty one."""
    start = skip_gap(text, 0)
    if start == len(text):
        return []
    try:
        return list(rows_of_document(DECODER.decode(text[start:])))
    except (ValueError, RecursionError):
        pass
    # A list may hold a row on each line: but for the commas between, its lines are rows too.
    as_list = text[start] == "["
    rows = list(rows_until_fault(text, start) if as_list else rows_of_lines(text))
    if has_object(rows):
        return rows
    others = list(rows_of_lines(text) if as_list else rows_until_fault(text, start))
    return others if as_list or has_object(others) else rows


def has_object(rows: Iterable[PredictionRow]) -> bool:
    """Say whether some row may be a prediction."""
    return any(isinstance(row.value, Mapping) for row in rows)


def rows_of_document(value: Any) -> Iterator[PredictionRow]:
    """Yield the rows of one JSON value: a list, an object by id, or a single row."""
    if isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield PredictionRow(place=f"row {number}", value=each)
    elif isinstance(value, Fields) and is_by_id(value):
        for name, each in [*value.items(), *value.again]:
            yield row_by_id(name, each)
    else:
        yield PredictionRow(place="row 1", value=value)


def is_by_id(value: Mapping[str, Any]) -> bool:
    """Tell an object of predictions by their ids from a single row, whatever its fields' names.

    Nearly all of bare patches have to look like some; fields of a row seldom do.
    """
    if any(name in value for name in READ):
        return False
    objects = [each for each in value.values() if isinstance(each, Mapping)]
    if objects:
        return len(objects) == len(value) or any(name in each for each in objects for name in READ)
    patches = sum(not each or is_like_patch(each) for each in value.values())
    return 5 * patches >= 4 * len(value)


def is_like_patch(value: Any) -> bool:
    """Say whether a value is text with a line that patches have."""
    return isinstance(value, str) and PATCH_LINE.search(value) is not None


def row_by_id(name: str, value: Any) -> PredictionRow:
    """Give a prediction its id; a bare patch will do."""
    place = f"key {name}"
    if value is None or isinstance(value, str):
        return PredictionRow(place=place, value={READ[0]: name, READ[1]: value})
    if not isinstance(value, Mapping):
        return PredictionRow(place=place, value=value)
    if value.get(READ[0]) is None:
        return PredictionRow(place=place, value={**value, READ[0]: name})
    if value[READ[0]] != name:
        return PredictionRow(place=place, fault=f"its {READ[0]} is another: {value[READ[0]]!r}")
    return PredictionRow(place=place, value=value)


def rows_of_lines(text: str) -> Iterator[PredictionRow]:
    """Yield a row for each line that is not blank.

    Lines end with a line feed alone: other separators stand inside of strings.
    """
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\ufeff \t\r")
        if not line:
            continue
        try:
            yield PredictionRow(place=f"line {number}", value=DECODER.decode(line))
        except (ValueError, RecursionError) as error:
            yield PredictionRow(place=f"line {number}", fault=f"no JSON: {describe(error)}")


def rows_until_fault(text: str, start: int) -> Iterator[PredictionRow]:
    """Yield the rows of a document that is cut off or broken, up to there; then where that is.

    Also those of values that stand one after the other over several lines, as jq writes them.
    """
    closing = "]" if text[start] == "[" else ""
    at, number = start + len(closing), 0
    try:
        while (at := skip_gap(text, at)) < len(text) and text[at] != closing:
            value, at = DECODER.raw_decode(text, at)
            number += 1
            yield PredictionRow(place=f"row {number}", value=value)
    except (ValueError, RecursionError) as error:
        if text[start] == "{" and not number:
            yield from members_until_fault(text, start + 1)
        else:
            yield break_at(text, at, describe(error))
        return
    if closing and at == len(text):
        yield break_at(text, at, "the end of the list is missing")


def members_until_fault(text: str, at: int) -> Iterator[PredictionRow]:
    """Yield the rows of an object by id up to where it is cut off or broken; then where that is."""
    why = "the end of the object is missing"
    try:
        while (at := skip_gap(text, at)) < len(text) and text[at] != "}":
            name, after = DECODER.raw_decode(text, at)
            colon = skip_gap(text, after)
            if not isinstance(name, str) or not text.startswith(":", colon):
                raise ValueError("a name and a colon are expected")
            value, after = DECODER.raw_decode(text, skip_gap(text, colon + 1))
            yield row_by_id(name, value)
            at = after
    except (ValueError, RecursionError) as error:
        why = describe(error)
    yield break_at(text, at, why)


def skip_gap(text: str, at: int) -> int:
    """Return where the next value begins."""
    found = GAP.match(text, at)
    return found.end() if found else at


def break_at(text: str, at: int, why: str) -> PredictionRow:
    """Return the row that says where a document ends early."""
    line = text.count("\n", 0, at) + 1
    return PredictionRow(place=f"line {line}", fault=f"no JSON, what follows is not read: {why}")


def describe(error: Exception) -> str:
    """Say what is wrong with JSON, without the place, which for a value is not the file's."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (character {error.colno})"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)

"""What may be long goes in parts: ids of tests, files, and what a test was seen to run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PART_LIMIT = 1 << 18
"""Bytes about which a list, or an object, is split; an entry is never cut in two."""
LONG_FIELDS = ("tests", "test_timeouts", "only_files", "watched", "files")
"""Fields of a request that are sent ahead of it, in parts, where they are long."""
TRACE_FIELDS = ("code", "lines", "introspected", "opened")


def measure_json(value: Any) -> int:
    """Count the bytes that a value takes in a message."""
    return len(json.dumps(value))


def split_list(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield a list in parts of about PART_LIMIT: at least one, which may be empty."""
    part: list[Any] = []
    size = sent = 0
    for value in values:
        more = measure_json(value)
        if part and size + more > PART_LIMIT:
            yield part
            part, size, sent = [], 0, sent + 1
        part.append(value)
        size += more
    if part or not sent:
        yield part


def split_field(values: Any) -> list[Any]:
    """Return the parts of a list or of an object."""
    if isinstance(values, dict):
        return [dict(part) for part in split_list(values.items())]
    return list(split_list(values))


def split_request(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the frames that make up a request: parts of its long fields, then all else of it."""
    left = dict(frame)
    for name in LONG_FIELDS:
        parts = split_field(frame[name]) if frame.get(name) else []
        if len(parts) > 1:
            del left[name]
            for part in parts:
                yield {"op": "part", "field": name, "part": part}
    yield left


def split_trace(seen: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a test was seen to run in parts; ``more`` says that another follows."""
    nothing: dict[str, Any] = {"code": {}, "lines": {}, "introspected": {}, "opened": []}
    if measure_json(seen) <= PART_LIMIT:
        yield dict(seen, more=False)
        return
    for name in TRACE_FIELDS:
        for part in split_field(seen[name]):
            yield dict(nothing, **{name: part, "opaque": False, "more": True})
    yield dict(nothing, opaque=seen["opaque"], more=False)


def join_part(fields: dict[str, Any], name: str, part: Any) -> None:
    """Put one part of a field with those that came before it."""
    if isinstance(part, dict):
        fields.setdefault(name, {}).update(part)
    else:
        fields.setdefault(name, []).extend(part)

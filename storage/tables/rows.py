"""Records as rows and back. Text that is not UTF-8 is kept as bytes, so nothing is lost."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from storage.records import Bug, Environment, FileChange, Origin, Plan, PlanAttempt, Task, Verdict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Row = dict[str, Any]


def text(value: str) -> str | bytes:
    """Return what SQLite can hold: the text, or its bytes where it holds undecodable ones."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape")
    return value


def untext(value: str | bytes) -> str:
    """Undo ``text``."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def to_json(value: object) -> str:
    """Encode records; ASCII, so that undecodable bytes in strings survive."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def from_json(value: str, kind: type[T]) -> T:
    """Decode what ``to_json`` gave."""
    return msgspec.convert(json.loads(value), kind)


def to_row(record: DataclassInstance, **changed: object) -> Row:
    """Return a record as a row, some of its columns given in another form."""
    row: Row = {field.name: getattr(record, field.name) for field in fields(record)} | changed
    return {key: text(value) if isinstance(value, str) else value for key, value in row.items()}


def from_row(row: Row, kind: type[T], **changed: object) -> T:
    """Return the record of a row; columns that are none of its fields are left out."""
    values = {
        field.name: untext(value) if isinstance(value := row[field.name], bytes) else value
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name not in changed
    }
    return kind(**values, **changed)


def attempt(row: Row) -> PlanAttempt:
    """Return the attempt of a row."""
    return from_row(row, PlanAttempt, plan=from_json(row["plan"], Plan), ok=bool(row["ok"]))


def environment(row: Row) -> Environment:
    """Return the environment of a row."""
    return from_row(row, Environment, plan=from_json(row["plan"], Plan))


def bug(row: Row) -> Bug:
    """Return the bug of a row that holds its first origin too."""
    return Bug(
        tree=row["tree"],
        patch=untext(row["patch"]),
        changes=from_json(row["changes"], tuple[FileChange, ...]),
        origin=origin(row),
    )


def origin(row: Row) -> Origin:
    """Return the origin of a row."""
    return from_row(row, Origin, parents=from_json(row["parents"], tuple[str, ...]))


def from_origin(found: Bug) -> Row:
    """Return the row of a bug's origin."""
    return to_row(found.origin, bug=found.id, parents=to_json(found.origin.parents))


def verdict(row: Row, lists: Row) -> Verdict:
    """Return the verdict of a row, given its lists of tests."""
    kinds = from_json(row["kinds"], tuple[tuple[str, int], ...])
    return from_row(row, Verdict, kinds=kinds, **lists)


def task(row: Row) -> Task:
    """Return the task of a row."""
    return from_row(
        row,
        Task,
        hints=from_json(row["hints"], tuple[str, ...]),
        removed=from_json(row["removed"], tuple[tuple[str, str], ...]),
    )

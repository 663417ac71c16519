"""Tables of a file, made of records of settings; what is unknown or wrong is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from forge.run.setting_fields import (
    SettingField,
    SettingTable,
    build_record,
    find_mark,
    hints_of,
    record_type,
    setting_fields,
)

Record = TypeVar("Record")


def read_record(record: type[Record], document: Any, *, strict: bool = True) -> Record:
    """Build a record of a document that was parsed; ``strict`` takes no text for a number.

    Raises msgspec.ValidationError that names the setting: unknown, missing or not valid.
    """
    kind: Any = record
    return _record_of(record, msgspec.convert(document, struct_of(kind), strict=strict))


def tables_of(record: type) -> Iterator[tuple[str, SettingTable, type]]:
    """Yield the tables of a file: their names, what is said of them, and their records."""
    for name, hint in hints_of(record).items():
        mark = find_mark(hint, SettingTable)
        if mark is not None:
            yield name, mark, record_type(hint)


@cache
def struct_of(record: Any) -> type[Struct]:
    """Return what msgspec checks a document by."""
    tables = [
        (name, struct_of(inner), msgspec.field(default_factory=struct_of(inner)))
        for name, _, inner in tables_of(record)
    ]
    settings = [_struct_field(field) for field in setting_fields(record)]
    return msgspec.defstruct(
        record.__name__, [*settings, *tables], frozen=True, kw_only=True, forbid_unknown_fields=True
    )


def file_type(field: SettingField) -> Any:
    """Return a setting's type as a file has it, with its bounds."""
    setting = field.setting
    kind = setting.kind or (field.type if field.default is None else without_none(field.type))
    bounds: dict[str, Any] = {"ge": setting.least, "gt": setting.over, "le": setting.most}
    stated = {name: bound for name, bound in bounds.items() if bound is not None}
    if not stated:
        return kind
    bare = without_none(kind)
    bounded: Any = Annotated[bare, Meta(**stated)]
    return bounded if bare == kind else bounded | None


def without_none(kind: Any) -> Any:
    """Return a type without its None: only a setting that is None where nobody says has one."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    return Union[tuple(arg for arg in get_args(kind) if arg is not NoneType)]  # noqa: UP007


def _struct_field(field: SettingField) -> Any:
    kind = file_type(field)
    if field.default is MISSING:
        return field.name, kind
    return field.name, kind, msgspec.field(default_factory=lambda: field.default)


def _record_of(record: type[Record], read: Struct) -> Record:
    values = {each.path: getattr(read, each.name) for each in setting_fields(record)}
    for name, _, inner in tables_of(record):
        values[(name,)] = _record_of(inner, getattr(read, name))
    return build_record(record, values)

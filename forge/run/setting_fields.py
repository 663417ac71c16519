"""Settings are fields of frozen dataclasses, each with what people are told of it.

A field is a setting when its type is ``Annotated[..., Setting(help=…)]``; a field whose type is
another such record stands for that record's settings. A surface (a command, a table of a file)
that offers only some of a record's settings, or others under other terms, says so by a
``SettingSubset``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
Values = Mapping[tuple[str, ...], Any]
"""Values of settings, by the names of the fields that lead to each."""

UNSTATED: Any = object()
"""In the place of a default that may be anything, None too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a field is to people."""

    help: str = ""
    name: str = ""
    """What they write, where that is not the field's name."""
    envvar: str = ""
    """Of a command; a file's settings have variables by their names."""
    default: Any = UNSTATED
    """For who says nothing, where a program is to get another; called where it is a function."""
    shown: str = ""
    """How a default is shown that is of the machine."""
    least: float | None = None
    over: float | None = None
    """The value is more than this; only files have such a bound."""
    most: float | None = None
    text: Any = None
    """The type that is written on the command line, where that is not the field's."""
    read: Callable[[Any], Any] | None = None
    """Makes the field's value of what is written there. Raises ConfigError."""
    write: Callable[[Any], Any] | None = None
    """Makes what is written there of a value."""
    kind: Any = None
    """The type in a file, where that is not the field's."""


@dataclass(frozen=True, slots=True)
class PickedSetting:
    """A setting that is offered, with its terms that differ."""

    name: str
    terms: Mapping[str, Any]


def pick(name: str, /, **terms: Any) -> PickedSetting:
    """Offer a setting, by its record's name for it, under other terms: a default, a help, …"""
    return PickedSetting(name, terms)


class SettingSubset:
    """Marks a record of which only these settings are offered."""

    def __init__(self, *picks: str | PickedSetting) -> None:
        named = [PickedSetting(each, {}) if isinstance(each, str) else each for each in picks]
        self.picks = {each.name: each for each in named}


class SettingTable:
    """Marks a record whose settings are a table of their own in a file, with a title for people."""

    def __init__(self, title: str) -> None:
        self.title = title


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting of a record, as a surface offers it."""

    name: str
    path: tuple[str, ...]
    """The names of the fields that lead to it."""
    type: Any
    default: Any
    """MISSING where one has to be named."""
    setting: Setting


def setting_fields(record: type, subset: SettingSubset | None = None) -> tuple[SettingField, ...]:
    """Return the settings of a record, in its order. Raises LookupError for one it has not."""
    found = {each.name: each for each in _all_fields(record)}
    if subset is None:
        return tuple(found.values())
    if unknown := subset.picks.keys() - found.keys():
        raise LookupError(f"{record.__name__} has no setting {', '.join(sorted(unknown))}")
    return tuple(
        _agree(each, subset.picks[name]) for name, each in found.items() if name in subset.picks
    )


def build_record(record: type[Record], values: Values) -> Record:
    """Build a record of values by their paths; what is not among them is the record's default."""
    defaults = {field.name: _own_default(field) for field in fields(record)}  # type: ignore[arg-type]
    return record(**_own_values(record, values, defaults))


def replace_settings(record: Record, values: Values) -> Record:
    """Return a record with other values at some paths."""
    kind = type(record)
    present = {field.name: getattr(record, field.name) for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{**present, **_own_values(kind, values, present)})


def value_at(record: Any, path: tuple[str, ...]) -> Any:
    """Return what a record has at a path."""
    for name in path:
        record = getattr(record, name)
    return record


def option_of(name: str) -> str:
    """Return how a setting is named on the command line."""
    return f"--{name.replace('_', '-')}"


def write_words(record: Any, paths: Collection[tuple[str, ...]]) -> list[str]:
    """Return what says on the command line what a record's settings at these paths are."""
    words: list[str] = []
    for each in setting_fields(type(record)):
        value, write = value_at(record, each.path), each.setting.write
        if each.path not in paths or value is None or value is False:
            continue
        written = value if write is None else write(value)
        for word in written if isinstance(written, list) else [written]:
            words += [option_of(each.name)] if word is True else [option_of(each.name), str(word)]
    return words


def marks_of(hint: Any) -> tuple[Any, ...]:
    """Return what a type is annotated with."""
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def bare_type(hint: Any) -> Any:
    """Return a type without what it is annotated with."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def record_type(hint: Any) -> Any:
    """Return the record that a type is, or None."""
    bare = bare_type(hint)
    return bare if isinstance(bare, type) and is_dataclass(bare) else None


def find_mark(hint: Any, kind: type[Record]) -> Record | None:
    """Return a type's annotation of a kind, or None."""
    return next((mark for mark in marks_of(hint) if isinstance(mark, kind)), None)


@cache
def hints_of(record: Any) -> dict[str, Any]:
    """Return the types of a record's fields, with what they are annotated with."""
    return get_type_hints(record, include_extras=True)


def _all_fields(record: type) -> Iterator[SettingField]:
    for field in fields(record):
        hint = hints_of(record)[field.name]
        setting, inner = find_mark(hint, Setting), record_type(hint)
        if setting is not None:
            yield SettingField(
                name=setting.name or field.name,
                path=(field.name,),
                type=bare_type(hint),
                default=_default(setting.default, _own_default(field)),
                setting=setting,
            )
        elif inner is not None and find_mark(hint, SettingTable) is None:
            record_default = _own_default(field)
            for each in setting_fields(inner, find_mark(hint, SettingSubset)):
                stated = each.setting.default is not UNSTATED or record_default is MISSING
                default = each.default if stated else value_at(record_default, each.path)
                yield replace(each, path=(field.name, *each.path), default=default)


def _own_values(record: Any, values: Values, present: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a record's own fields, its inner records with theirs."""
    own = {path[0]: value for path, value in values.items() if len(path) == 1}
    for name in {path[0] for path in values if len(path) > 1}:
        inner = {path[1:]: value for path, value in values.items() if path[0] == name}
        if present[name] is MISSING:
            own[name] = build_record(record_type(hints_of(record)[name]), inner)
        else:
            own[name] = replace_settings(present[name], inner)
    return own


def _own_default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _default(stated: Any, own: Any) -> Any:
    if stated is UNSTATED:
        return own
    return stated() if callable(stated) else stated


def _agree(field: SettingField, picked: PickedSetting) -> SettingField:
    setting = replace(field.setting, **picked.terms)
    default = _default(picked.terms.get("default", UNSTATED), field.default)
    name = picked.terms.get("name") or field.name
    return replace(field, name=name, default=default, setting=setting)

"""Options of a command, made of the records that its function takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, get_type_hints

import typer

from forge.run.setting_fields import (
    SettingField,
    SettingSubset,
    Values,
    build_record,
    find_mark,
    option_of,
    record_type,
    setting_fields,
)


def takes_records(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command's function an option for each setting of the records among its parameters.

    What it is then called with are the records, built of the options.
    """
    hints = get_type_hints(command, include_extras=True)
    records = {name: hint for name, hint in hints.items() if record_type(hint) is not None}
    offered = {name: offered_fields(hint) for name, hint in records.items()}

    @wraps(command)
    def run(**values: Any) -> None:
        for name, hint in records.items():
            values[name] = build_record(record_type(hint), read_values(offered[name], values))
        command(**values)

    parameters = [
        option
        for parameter in signature(command).parameters.values()
        for option in make_options(parameter, hints[parameter.name], offered)
    ]
    run.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def offered_fields(hint: Any) -> tuple[SettingField, ...]:
    """Return the settings of a record that a command offers."""
    return setting_fields(record_type(hint), find_mark(hint, SettingSubset))


def make_options(
    parameter: Parameter, hint: Any, offered: Mapping[str, tuple[SettingField, ...]]
) -> Iterator[Parameter]:
    """Yield the parameters that typer sees in the place of one."""
    if parameter.name in offered:
        yield from map(make_option, offered[parameter.name])
    else:
        yield parameter.replace(annotation=hint, kind=Parameter.KEYWORD_ONLY)


def make_option(field: SettingField) -> Parameter:
    """Return the parameter that typer makes an option of. Raises TypeError where it cannot."""
    setting = field.setting
    if setting.over is not None:
        raise TypeError(f"{field.name}: an option has no bound that is not in its range")
    kind = setting.text or field.type
    info = typer.Option(
        # A flag is named, or typer adds its --no-… to it.
        *([option_of(field.name)] if kind is bool else []),
        help=setting.help,
        envvar=setting.envvar or None,
        min=setting.least,
        max=setting.most,
        show_default=setting.shown or True,
    )
    default = Parameter.empty if field.default is MISSING else write_value(field, field.default)
    return Parameter(
        field.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def read_values(fields: tuple[SettingField, ...], values: dict[str, Any]) -> Values:
    """Take the values of settings out of those of all options. Raises ConfigError."""
    found = {}
    for field in fields:
        value, read = values.pop(field.name), field.setting.read
        found[field.path] = value if read is None or value is None else read(value)
    return found


def write_value(field: SettingField, value: Any) -> Any:
    """Return a setting's value as it is written on the command line."""
    write = field.setting.write
    return value if write is None or value is None else write(value)

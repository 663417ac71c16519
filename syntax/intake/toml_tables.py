"""Put back what decides how tests run in a pyproject.toml, and leave the rest to the byte."""

from __future__ import annotations

from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from syntax.intake.sources import UnreadableFile

TOML_KEYS = (
    ("tool", "pytest"),
    ("tool", "coverage"),
    ("tool", "tox"),
    ("project", "entry-points", "pytest11"),
    ("tool", "poetry", "plugins", "pytest11"),
    ("tool", "flit", "entrypoints", "pytest11"),
    ("tool", "pdm", "entry-points", "pytest11"),
)
"""What of a pyproject.toml decides how tests run."""


def restore_toml(data: bytes, reference: bytes) -> tuple[bytes, list[str]]:
    """Put back tables of pytest, coverage and tox, and entry points of pytest's plugins."""
    old, new = parse_toml(reference), parse_toml(data)
    before, after = old.unwrap(), new.unwrap()
    known = [*TOML_KEYS, *(("tool", name) for name in names_of_plugins(before, after))]
    differing = [keys for keys in known if value_at(before, keys) != value_at(after, keys)]
    if not differing:
        return data, []
    try:
        for keys in differing:
            set_value(new, keys, value_at(old, keys))
            put(after, keys, value_at(before, keys))
    except (TOMLKitError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFile("its settings of the tests cannot be put back alone") from error
    result = tomlkit.dumps(new).encode("utf-8", "surrogatepass")
    try:
        restored = parse_toml(result).unwrap()
    except UnreadableFile:
        restored = {}
    if without_empty(restored) != without_empty(after):
        raise UnreadableFile("its settings of the tests cannot be put back alone")
    return result, [f"[{'.'.join(keys)}]" for keys in differing]


def names_of_plugins(*tables: dict[str, Any]) -> list[str]:
    """Return the tables of pytest's plugins, as ``pytest_env``."""
    tools = [table.get("tool") for table in tables]
    names = {name for tool in tools if isinstance(tool, dict) for name in tool}
    return sorted(name for name in names if name.startswith("pytest") and name != "pytest")


def parse_toml(data: bytes) -> tomlkit.TOMLDocument:
    """Read TOML. Raises UnreadableFile."""
    try:
        return tomlkit.parse(data.decode("utf-8"))
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise UnreadableFile("it cannot be parsed") from error


def value_at(table: Any, keys: tuple[str, ...]) -> Any:
    """Return what stands under keys; None where nothing does."""
    for key in keys:
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    return table


def set_value(table: Any, keys: tuple[str, ...], value: Any) -> None:
    """Write a value under keys of a document, or take it out where it is None."""
    if value is None and value_at(table, keys) is None:
        return
    for key in keys[:-1]:
        if not isinstance(table.get(key), dict):
            table[key] = tomlkit.table(is_super_table=True)
        table = table[key]
    if value is None:
        del table[keys[-1]]
    else:
        table[keys[-1]] = value


def put(table: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    """Do the same to plain values."""
    for key in keys[:-1]:
        if not isinstance(table.get(key), dict):
            if value is None:
                return
            table[key] = {}
        table = table[key]
    table.pop(keys[-1], None)
    if value is not None:
        table[keys[-1]] = value


def without_empty(value: Any) -> Any:
    """Return values without empty tables, which say nothing."""
    if isinstance(value, dict):
        inner = {key: without_empty(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each != {}}
    return value

"""Find the one file pytest takes its configuration from, and read it as pytest does."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.detect.model import requirement_names, strings, table
from harness.detect.option_tables import INI_PLUGINS
from harness.detect.pyproject import load
from harness.detect.setuptools_files import load_ini
from harness.detect.tree import RepositoryTree, read_text

INI_FILES = (
    ("pytest.ini", "pytest", True),
    (".pytest.ini", "pytest", True),
    ("pyproject.toml", "", False),
    ("tox.ini", "pytest", False),
    ("setup.cfg", "tool:pytest", False),
)
"""File, section, and whether the file counts without the section; in pytest's own order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PytestConfig:
    """The configuration of pytest in a repository."""

    path: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def words(self, key: str) -> tuple[str, ...]:
        """Return a value as a list, whether it was written as a string or as one."""
        value = self.values.get(key)
        if isinstance(value, str):
            try:
                return tuple(shlex.split(value, comments="\n" in value))
            except ValueError:
                return tuple(value.split())
        return strings(value)

    @property
    def plugins(self) -> frozenset[str]:
        """Distributions of the plugins that the keys used here belong to."""
        by_key = {INI_PLUGINS[key] for key in self.values if key in INI_PLUGINS}
        return frozenset(by_key) | requirement_names(self.words("required_plugins"))

    @property
    def warnings_are_errors(self) -> bool:
        value = self.values.get("filterwarnings")
        items = value.splitlines() if isinstance(value, str) else strings(value)
        return any(item.strip().split(":")[0] == "error" for item in items)


def read_pytest_config(tree: RepositoryTree) -> PytestConfig:
    """Return the configuration that pytest would use at the root of the tree."""
    for path, section, alone in INI_FILES:
        if tree.read_file(path) is None:
            continue
        if path == "pyproject.toml":
            values = toml_values(load(tree))
        else:
            parser = load_ini(read_text(tree, path))
            values = dict(parser.items(section)) if parser.has_section(section) else None
        if values is not None or alone:
            return PytestConfig(path=path, values=values or {})
    return PytestConfig()


def toml_values(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return ``[tool.pytest.ini_options]``, or ``[tool.pytest]`` as of pytest 9."""
    pytest = table(document, "tool", "pytest")
    if "ini_options" in pytest:
        return table(pytest, "ini_options")
    return pytest or None

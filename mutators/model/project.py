"""The source files of a repository, parsed when they are first asked for, and who names whom."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tree_sitter import Node

from mutators.base.files import is_utf8
from mutators.base.operator import ParsedSource
from mutators.model.definitions import Definition, definitions
from syntax.intake.ids import NO_TESTS, group_tests
from syntax.languages import language_of
from syntax.paths import is_source_path

NAMED = re.compile(rb"\b([^\W\d]\w*)[ \t]*[(:]")
"""What may be a call or a definition: it decides which files are parsed at all."""


class ProjectView:
    """What a model may be shown of a repository. Tests are no part of it."""

    def __init__(self, files: Mapping[str, bytes], tests: tuple[str, ...] = ()) -> None:
        self._tests = group_tests(tests)
        self.files = {path: files[path] for path in sorted(files) if is_shown(path, files[path])}
        self._sources: dict[str, ParsedSource] = {}
        self._definitions: dict[str, list[Definition]] = {}
        self._calls: dict[tuple[str, int], dict[str, list[Node]]] = {}
        self._naming: dict[str, list[str]] | None = None

    def source(self, path: str) -> ParsedSource:
        """Return a file, parsed."""
        if path not in self._sources:
            language = language_of(path)
            assert language is not None
            self._sources[path] = ParsedSource.of(path, self.files[path], language)
        return self._sources[path]

    def definitions(self, path: str) -> list[Definition]:
        """Return the definitions of a file."""
        if path not in self._definitions:
            self._definitions[path] = definitions(self.source(path))
        return self._definitions[path]

    def is_test(self, definition: Definition) -> bool:
        """Say whether a definition is a test, or a part of one, beside the code."""
        held = self._tests.get(definition.source.path, NO_TESTS)
        return definition.name.partition(".")[0] in held.code

    def find_files_naming(self, name: str) -> list[str]:
        """Return the files that may call or define something of a name."""
        if self._naming is None:
            self._naming = {}
            for path, data in self.files.items():
                for found in sorted(set(NAMED.findall(data))):
                    self._naming.setdefault(found.decode("utf-8", "replace"), []).append(path)
        return self._naming.get(name, [])

    def find_definitions(self, name: str) -> list[Definition]:
        """Return the definitions of a name, wherever they are."""
        return [
            d
            for path in self.find_files_naming(name)
            for d in self.definitions(path)
            if d.own == name
        ]

    def calls(self, definition: Definition) -> Mapping[str, list[Node]]:
        """Return the calls in a definition by the last part of the name that is called."""
        key = (definition.source.path, definition.start)
        if key not in self._calls:
            found: dict[str, list[Node]] = {}
            stack = [definition.node]
            while stack:
                node = stack.pop()
                if definition.source.word(node) == "call" and (
                    name := read_called_name(definition, node)
                ):
                    found.setdefault(name, []).append(node)
                stack += reversed(node.named_children)
            self._calls[key] = found
        return self._calls[key]


def is_shown(path: str, data: bytes) -> bool:
    """Say whether a file is source that can be read."""
    return is_source_path(path) and language_of(path) is not None and is_utf8(data)


def read_called_name(definition: Definition, call: Node) -> str:
    """Return the last part of the name that is called; empty where there is none."""
    function = call.child_by_field_name("function")
    if function is not None and definition.source.word(function) == "attribute":
        function = function.child_by_field_name("attribute")
    if function is None or definition.source.word(function) != "name":
        return ""
    return definition.source.code(function).decode("utf-8", "replace")


def receiver(definition: Definition, call: Node) -> str | None:
    """Return what a method is called on, as it is written; None for a plain function."""
    function = call.child_by_field_name("function")
    if function is None or definition.source.word(function) != "attribute":
        return None
    on = function.child_by_field_name("object")
    return definition.source.code(on).decode("utf-8", "replace") if on is not None else ""

"""What served only what was taken out of a file goes too: imports, private helpers, variables."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from mutators.base.erasure import Erasure
from mutators.base.operator import ParsedSource, operands
from mutators.base.uses import around, imports, named_in, uses


@dataclass(frozen=True, slots=True)
class Tidying:
    """A file, and what is being taken out of it."""

    source: ParsedSource
    erasure: Erasure

    def tidy(self) -> None:
        """Take out what served only what is gone: imports, helpers, variables."""
        while self._tidy_once():
            pass

    def _tidy_once(self) -> bool:
        size = self.erasure.size
        self.erasure.settle()
        touched = self._find_touched_names()
        known = uses(self.source)
        for name, part, statement in imports(self.source):
            if name in touched and self._is_useless(known.names[name], part):
                self.take_import(part, statement)
        for name in touched:
            for node in known.names[name]:
                if node.id in known.binding and not self.erasure.covers(node):
                    self._tidy_bound(name, node)
        return self.erasure.size > size

    def _find_touched_names(self) -> dict[bytes, None]:
        """The names in what is taken out."""
        known = uses(self.source)
        ranges = self.erasure.ranges
        return dict.fromkeys(n for low, high in ranges for n in known.between(low, high))

    def _tidy_bound(self, name: bytes, node: Node) -> None:
        """Take out a private helper or a variable whose last use is gone."""
        parent = node.parent
        if parent is None:
            return
        if parent.type == "function_definition" and name.startswith(b"_") and at_top(parent):
            if self._is_useless(uses(self.source).names.get(name, []), node):
                self.erasure.erase_statement(parent)
        elif parent.type in ("dotted_name", "aliased_import"):
            statement = import_around(parent)
            if statement is not None and self._is_unread(name, node):
                part = parent if parent.parent == statement else parent.parent
                self.take_import(part or parent, statement)
        elif parent.type == "assignment" and parent.parent is not None:
            if self._is_unread(name, node):
                self.erasure.erase_statement(parent.parent)
        elif parent.type == "pattern_list" and parent.parent is not None:
            names, statement = operands(parent), parent.parent.parent
            plain = parent.parent.type == "assignment" and statement is not None
            if plain and all(self._is_unread(self.source.code(n), n) for n in names):
                self.erasure.erase_statement(statement or parent)

    def _is_unread(self, name: bytes, node: Node) -> bool:
        """Say whether a variable of a function was read, and is no more."""
        scope = around(node, self.source, "function", "class")
        if scope is None or self.source.word(scope) != "function":
            return False
        found = named_in(name, scope, self.source)
        others = [each for each in found if each.id not in uses(self.source).binding]
        return bool(others) and all(self.erasure.covers(each) for each in others)

    def _is_useless(self, nodes: list[Node], definition: Node) -> bool:
        """Say whether a name was used, and is no more."""
        low, high = definition.start_byte, definition.end_byte
        others = [n for n in nodes if not low <= n.start_byte < high]
        return (
            not self.erasure.covers(definition)
            and bool(others)
            and all(self.erasure.covers(node) for node in others)
        )

    def take_import(self, part: Node, statement: Node) -> None:
        """Take out a name that is imported, and the import with its last."""
        self.erasure.erase_item(part)
        parts = statement.children_by_field_name("name")
        if all(self.erasure.covers(each) for each in parts):
            self.erasure.erase_statement(statement)

    def is_sound(self) -> bool:
        """Say whether no name is left that lost what gave it a value."""
        known = uses(self.source)
        for name in self._find_touched_names():
            for node in known.names[name]:
                if node.id in known.binding and self.erasure.covers(node):
                    scope = around(node, self.source, "function", "class") or self.source.root
                    if not self._is_bound(name, scope):
                        return False
        return True

    def _is_bound(self, name: bytes, scope: Node) -> bool:
        """Say whether a name is bound in a scope, or read there no more."""
        found = named_in(name, scope, self.source)
        left = [n for n in found if not self.erasure.covers(n)]
        binding = uses(self.source).binding
        if self.source.word(scope) == "function":
            return not left or left[0].id in binding
        return not left or any(n.id in binding for n in left)


def import_around(node: Node) -> Node | None:
    """The import that a name is part of."""
    parent: Node | None = node
    while parent is not None and parent.type in ("dotted_name", "aliased_import"):
        parent = parent.parent
    return parent if parent is not None and parent.type.startswith("import_") else None


def at_top(node: Node) -> bool:
    """Say whether a definition is one of the module's own."""
    return node.parent is not None and node.parent.type == "module"

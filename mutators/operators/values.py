"""Mistakes in constants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, is_docstring, operands
from syntax.languages import Word
from syntax.splices import Splice


def number_near(code: bytes) -> list[bytes]:
    """Numbers that could be meant instead: one more, one less."""
    try:
        value = int(code)
    except ValueError:
        return [code + b" + 1"]
    return [b"%d" % (value + 1), b"%d" % (value - 1) if value > 0 else b"-1"]


class ChangeConstant(Operator):
    """``width * 2`` becomes ``width * 3``: a number inside a calculation."""

    name: ClassVar[str] = "change-constant"
    description: ClassVar[str] = "change a number inside a calculation or comparison by one"
    words: ClassVar[tuple[Word, ...]] = ("binary", "comparison")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for part in operands(node):
            if source.word(part) == "number":
                near = number_near(source.code(part))
                yield source.replace(part, b"(" + near[-1] + b")" if len(near) == 1 else near[-1])


class NumberLiteral(Operator):
    """``retries = 3`` becomes ``retries = 4``."""

    name: ClassVar[str] = "number-literal"
    description: ClassVar[str] = "change a number by one"
    words: ClassVar[tuple[Word, ...]] = ("number",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        near = number_near(source.code(node))
        yield source.replace(node, near[0] if len(near) > 1 else b"(" + near[0] + b")")


class TruthLiteral(Operator):
    """``True`` becomes ``False``, and the other way round."""

    name: ClassVar[str] = "truth-literal"
    description: ClassVar[str] = "swap True and False"
    words: ClassVar[tuple[Word, ...]] = ("truth",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        yield source.replace(node, b"False" if node.type == "true" else b"True")


class StringLiteral(Operator):
    """``"name"`` becomes ``"nam"``; an empty string becomes a space."""

    name: ClassVar[str] = "string-literal"
    description: ClassVar[str] = "lose a character of a string"
    words: ClassVar[tuple[Word, ...]] = ("string",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if is_docstring(node) or not node.children:
            return
        contents = [child for child in node.children if child.type == "string_content"]
        if not contents and len(node.children) == 2:
            at = node.children[0].end_byte
            yield Splice(at, at, b" ")
        elif contents:
            text = source.code(contents[-1]).decode("utf-8", "surrogateescape")
            yield source.replace(contents[-1], text[:-1].encode("utf-8", "surrogateescape"))


class DefaultArgument(Operator):
    """``def f(a=1)`` becomes ``def f(a=2)``; a default of another kind becomes None."""

    name: ClassVar[str] = "default-argument"
    description: ClassVar[str] = "change a parameter's default"
    words: ClassVar[tuple[Word, ...]] = ("default",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        value = node.child_by_field_name("value")
        if value is None:
            return
        word, code = source.word(value), source.code(value)
        if word == "number":
            yield source.replace(value, number_near(code)[0])
        elif word == "truth":
            yield source.replace(value, b"False" if value.type == "true" else b"True")
        elif code != b"None":
            yield source.replace(value, b"None")
        else:
            yield source.replace(value, b"False")


class FormatConversion(Operator):
    """``f"{name!r}"`` becomes ``f"{name}"``, and the other way round."""

    name: ClassVar[str] = "format-conversion"
    description: ClassVar[str] = "add or drop the !r of a formatted value"
    words: ClassVar[tuple[Word, ...]] = ("interpolation",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        kinds = {child.type: child for child in node.children}
        if "type_conversion" in kinds:
            yield source.replace(kinds["type_conversion"], b"")
        elif "format_specifier" not in kinds and "=" not in kinds:
            at = node.end_byte - 1
            yield Splice(at, at, b"!r")

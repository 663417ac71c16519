"""The seam between operators and languages: a small vocabulary, and a table for each language.

An operator asks for words of the vocabulary (a loop, a binary operator, a call …) and never for
a language's own node types. A language is a table from its node types to those words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import tree_sitter_python
from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Tree

Word = Literal[
    "function",
    "class",
    "block",
    "condition",
    "loop",
    "wrapper",
    "ternary",
    "binary",
    "comparison",
    "boolean",
    "unary",
    "negation",
    "assignment",
    "augmented",
    "statement",
    "break",
    "continue",
    "return",
    "raise",
    "yield",
    "default",
    "string",
    "number",
    "truth",
    "slice",
    "handler",
    "decorator",
    "call",
    "keyword",
    "interpolation",
    "name",
    "attribute",
    "await",
    "group",
    "elif",
    "else",
    "finally",
    "delete",
    "subscript",
    "import",
]


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its grammar, the files it is written in, and its words."""

    name: str
    suffixes: tuple[str, ...]
    grammar: Grammar
    words: Mapping[str, Word]
    """From the grammar's node types to the vocabulary."""
    empty_block: bytes
    """The statement that does nothing."""

    def parse(self, source: bytes) -> Node:
        """Parse a file; the tree holds error nodes where it cannot be understood."""
        return self.tree(source).root_node

    def tree(self, source: bytes, before: Tree | None = None) -> Tree:
        """Parse a file, as the tree that holds its nodes.

        ``before`` is the tree of other bytes, told of where they differ: the rest is taken from it.
        """
        parser = Parser(self.grammar)
        return parser.parse(source) if before is None else parser.parse(source, before)


PYTHON = Language(
    name="python",
    suffixes=(".py",),
    grammar=Grammar(tree_sitter_python.language()),
    words={
        "function_definition": "function",
        "class_definition": "class",
        "block": "block",
        "if_statement": "condition",
        "for_statement": "loop",
        "while_statement": "loop",
        "with_statement": "wrapper",
        "try_statement": "wrapper",
        "conditional_expression": "ternary",
        "binary_operator": "binary",
        "comparison_operator": "comparison",
        "boolean_operator": "boolean",
        "unary_operator": "unary",
        "not_operator": "negation",
        "assignment": "assignment",
        "augmented_assignment": "augmented",
        "expression_statement": "statement",
        "break_statement": "break",
        "continue_statement": "continue",
        "return_statement": "return",
        "raise_statement": "raise",
        "yield": "yield",
        "default_parameter": "default",
        "typed_default_parameter": "default",
        "string": "string",
        "integer": "number",
        "float": "number",
        "true": "truth",
        "false": "truth",
        "slice": "slice",
        "except_clause": "handler",
        "decorator": "decorator",
        "call": "call",
        "keyword_argument": "keyword",
        "interpolation": "interpolation",
        "identifier": "name",
        "attribute": "attribute",
        "await": "await",
        "parenthesized_expression": "group",
        "elif_clause": "elif",
        "else_clause": "else",
        "finally_clause": "finally",
        "delete_statement": "delete",
        "subscript": "subscript",
        "import_statement": "import",
        "import_from_statement": "import",
        "future_import_statement": "import",
    },
    empty_block=b"pass",
)
"""Python, as https://github.com/tree-sitter/tree-sitter-python names its nodes."""

LANGUAGES: tuple[Language, ...] = (PYTHON,)


def language_of(path: str) -> Language | None:
    """The language a file is written in, by its name."""
    return next((found for found in LANGUAGES if path.endswith(found.suffixes)), None)

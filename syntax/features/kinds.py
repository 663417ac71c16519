"""Which kinds of syntax a change touches, by the words of the vocabulary around each token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from syntax.features.lines import BODIES, LeafToken
from syntax.languages import Language, Word

KINDS: Mapping[str, tuple[Word, ...]] = {
    "condition": ("condition", "elif", "else", "ternary"),
    "logic": ("comparison", "boolean", "negation"),
    "loop": ("loop", "break", "continue"),
    "call": ("call",),
    "keyword": ("keyword",),
    "string": ("string",),
    "number": ("number", "truth"),
    "arithmetic": ("binary", "unary", "augmented"),
    "assignment": ("assignment",),
    "return": ("return", "yield"),
    "raise": ("raise",),
    "handler": ("handler", "wrapper", "finally"),
    "function": ("function", "default"),
    "class": ("class", "decorator"),
    "access": ("attribute", "subscript", "slice"),
    "import": ("import",),
}
"""Kinds of syntax a person tells apart, by words."""
OF_WORD: Mapping[str, str] = {word: kind for kind, words in KINDS.items() for word in words}
assert set(OF_WORD) <= set(get_args(Word))


def kinds_of(tokens: Iterable[LeafToken], language: Language) -> frozenset[str]:
    """Return the kinds of syntax that tokens are part of, up to the statement each stands in."""
    found: set[str] = set()
    seen: set[int] = set()
    for token in tokens:
        for word in words_around(token, language, seen):
            if word in OF_WORD:
                found.add(OF_WORD[word])
    return frozenset(found)


def words_around(token: LeafToken, language: Language, seen: set[int]) -> Iterator[Word]:
    """Yield the words of the nodes around a token; nodes that were ``seen`` end it."""
    node = token.node
    while node is not None and node.id not in seen:
        seen.add(node.id)
        if node.type in language.words:
            yield language.words[node.type]
        if node.parent is None or node.parent.type in BODIES:
            return
        node = node.parent

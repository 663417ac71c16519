"""Where in a file a bug is: in what entity, how deep, and how that entity is made."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from syntax.features.lines import LeafToken, ParsedCode, is_remark, leaves, text_of

DEEPER = frozenset({"condition", "loop", "wrapper", "handler", "elif", "else", "finally"})
"""Words whose blocks are a level deeper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """The entity around a token: a function, else a class, else the module."""

    name: str
    """Qualified; empty for the module."""
    kind: str
    """``function``, ``class`` or empty."""
    method: bool
    depth: int
    """Blocks around the token inside its entity."""
    size: int
    """Tokens of the entity."""
    position: float
    """Where in the entity the token is, from 0 to 1."""
    documented: bool
    public: bool
    """Whether no part of the name begins with an underscore; special methods are public."""


def place_of(code: ParsedCode, token: LeafToken | None) -> TokenPlace:
    """Describe where a token stands; None is the end of the file."""
    entity, names, depth, outer = climb(code, token)
    root = code.tree.root_node
    tokens = list(leaves(entity or root))
    start = token.node.start_byte if token is not None else len(code.data)
    before = sum(each.start_byte < start for each in tokens)
    body = entity.child_by_field_name("body") if entity is not None else root
    first = next((c for c in body.named_children if c.type != "comment"), None) if body else None
    return TokenPlace(
        name=".".join(reversed(names)),
        kind=(code.language.words.get(entity.type) or "") if entity is not None else "",
        method=outer == "class",
        depth=depth,
        size=len(tokens),
        position=before / len(tokens) if tokens else 0.0,
        documented=first is not None and is_remark(first),
        public=not any(n.startswith("_") and not n.endswith("__") for n in names),
    )


def climb(code: ParsedCode, token: LeafToken | None) -> tuple[Node | None, list[str], int, str]:
    """Go up from a token: its entity, the names around it from within, its depth in the entity,
    and what kind of definition the entity itself is in."""
    words, node = code.language.words, token.node.parent if token is not None else None
    entity: Node | None = None
    names: list[str] = []
    depth, outer = 0, ""
    while node is not None:
        word = words.get(node.type)
        if word in ("function", "class"):
            name = node.child_by_field_name("name")
            names.append(text_of(code.data, name).decode("utf-8", "replace") if name else "?")
            if entity is None:
                entity = node
            elif not outer:
                outer = word
        elif entity is None and word in DEEPER:
            depth += 1
        node = node.parent
    return entity, names, depth, outer

"""What the use of a name tells of its kind."""

from __future__ import annotations

from tree_sitter import Node

from mutators.base.operator import ParsedSource

STRONG = frozenset(
    {"text", "number", "list", "dict", "set", "truth", "tuple", "called", "function"}
)
"""Traits that exclude one another; the others only agree or do not."""
LITERALS = {
    "string": "text",
    "concatenated_string": "text",
    "integer": "number",
    "float": "number",
    "true": "truth",
    "false": "truth",
    "comparison_operator": "truth",
    "not_operator": "truth",
    "list": "list",
    "list_comprehension": "list",
    "dictionary": "dict",
    "dictionary_comprehension": "dict",
    "set": "set",
    "set_comprehension": "set",
    "tuple": "tuple",
    "lambda": "function",
}
RESULTS = {
    b"len": "number",
    b"int": "number",
    b"float": "number",
    b"abs": "number",
    b"sum": "number",
    b"ord": "number",
    b"round": "number",
    b"time": "number",
    b"find": "number",
    b"index": "number",
    b"count": "number",
    b"str": "text",
    b"repr": "text",
    b"join": "text",
    b"format": "text",
    b"list": "list",
    b"sorted": "list",
    b"dict": "dict",
    b"set": "set",
    b"frozenset": "set",
    b"tuple": "tuple",
    b"bool": "truth",
    b"isinstance": "truth",
    b"hasattr": "truth",
    b"any": "truth",
    b"all": "truth",
    b"split": "list",
    b"splitlines": "list",
} | dict.fromkeys((b"strip", b"lstrip", b"rstrip", b"lower", b"upper", b"replace"), "text")
METHODS = (
    dict.fromkeys(
        b"strip lstrip rstrip lower upper split rsplit splitlines startswith endswith join encode "
        b"decode replace partition rpartition title casefold isdigit format".split(),
        "text",
    )
    | dict.fromkeys(b"append extend sort insert reverse".split(), "list")
    | dict.fromkeys(b"items keys values setdefault".split(), "dict")
    | dict.fromkeys(b"add discard union".split(), "set")
)


def traits_of_value(node: Node, source: ParsedSource) -> set[str]:
    """What a name is that is given this value."""
    if node.type in LITERALS:
        return {LITERALS[node.type]}
    if node.type == "call":
        function = node.child_by_field_name("function")
        if function is not None:
            name = source.code(function).rsplit(b".", 1)[-1]
            found = RESULTS.get(name)
            return {found} if found else {f"from:{name.decode('utf-8', 'replace')}"}
    if node.type == "binary_operator":
        return set().union(*(traits_of_value(child, source) for child in node.named_children))
    return set()


def traits_of(node: Node, role: str | None, parent: Node, source: ParsedSource) -> set[str]:
    """What the place of a name or attribute tells of it."""
    kind = parent.type
    if kind == "call" and role == "function":
        return {"called"}
    if kind == "attribute":
        name = parent.child_by_field_name("attribute")
        if name is None:
            return set()
        code = source.code(name)
        found = METHODS.get(code)
        return {found, "object"} if found else {f".{code.decode('utf-8', 'replace')}", "object"}
    if kind in ("binary_operator", "comparison_operator", "augmented_assignment"):
        beside = {
            LITERALS[child.type]
            for child in parent.named_children
            if child.type in ("string", "integer", "float")
        }
        return beside if kind != "comparison_operator" or beside else {"compared"}
    if kind == "subscript":
        return {"indexed"} if role == "value" else {"index"}
    if kind in ("for_statement", "for_in_clause") and role == "right":
        return {"walked"}
    if kind == "assignment":
        value = parent.child_by_field_name("right")
        if value is None:
            return set()
        return traits_of_value(value, source) if role == "left" else {"given"}
    if kind == "argument_list":
        return argument_traits(node, parent, source)
    return {"told"} if kind == "interpolation" else set()


def argument_traits(node: Node, parent: Node, source: ParsedSource) -> set[str]:
    """What a name is that is handed to a function: the same as others handed there."""
    call = parent.parent
    function = call.child_by_field_name("function") if call is not None else None
    if function is None or function.type not in ("identifier", "attribute"):
        return set()
    name = source.code(function).rsplit(b".", 1)[-1].decode("utf-8", "replace")
    place = next((n for n, child in enumerate(parent.named_children) if child == node), 0)
    return {"sized"} if name == "len" else {f"{name}({place})"}

"""Python files put together by chance, for properties that hold for any."""

from __future__ import annotations

from hypothesis import strategies as st

LEAVES = (
    "x = 1",
    "call(a,\n     b)",
    "name = 'ö' + \"é\"",
    "text = '''one\n  two\n\tthree'''",
    "assert x, 'a; b'",
    "y: list[int] = [\n    1,\n]",
    "pass  # why",
    "# a remark\nx += 1",
    "if x: y",
)
HEADS = (
    ("if x:",),
    ("if x:", "elif y:", "elif z:", "else:"),
    ("for a in b:", "else:"),
    ("while x:  # on",),
    ("with a as b, c:",),
    ("try:", "except E as e:", "except F:", "else:", "finally:"),
    ("def f(a, *, b: int = 1) -> int:",),
    ("@deco(\n    1\n)\n@other\nasync def g():",),
    ("class Ä(Base):",),
)
INDENTS = ("    ", "  ", "\t")


def indented(text: str, indent: str) -> str:
    """Indent lines, those within strings left out."""
    if "'''" in text:
        return indent + text
    return "\n".join(indent + line for line in text.split("\n"))


@st.composite
def bodies(draw: st.DrawFn, depth: int = 2, indent: str = "") -> str:
    """Lines of statements, some with bodies of their own."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            step = draw(st.sampled_from(INDENTS))
            for head in draw(st.sampled_from(HEADS)):
                inner = draw(bodies(depth - 1, indent + step))
                parts.append(indented(head, indent) + "\n" + inner)
        else:
            parts.append(indented(draw(st.sampled_from(LEAVES)), indent) + "\n")
        if draw(st.integers(0, 3)) == 0:
            parts.append("\n")
    return "".join(parts)


@st.composite
def modules(draw: st.DrawFn) -> bytes:
    """A file, with or without a last line feed, of Unix or of Windows."""
    text = draw(bodies())
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text.encode()

"""What around a definition can matter to it: what it calls, who calls it, and its class.

Bounded, and no guessing: a name that many definitions share is followed in the same file alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from llm.marks import data
from mutators.model.definitions import Definition
from mutators.model.project import ProjectView, receiver
from syntax.patches import decode

MOST_CALLEES = 12
MOST_CALLERS = 3
MOST_HOMONYMS = 2
"""Definitions of one name, in other files, up to which a call may mean each of them."""
MOST_ATTRIBUTES = 40
AROUND = 4
"""Lines shown before and after a call."""
CALLER_LIMIT = 1500
SUMMARY_LIMIT = 300
HEAD_LIMIT = 1500
"""Characters of a signature that is shown beside another definition."""
OWN = ("self", "cls", "super()")
OPENING = re.compile(r"^[rRbBuUfF]{0,2}[\"']+")
ATTRIBUTE = re.compile(rb"\bself\.(\w+)\b(?![ \t]*\()")


def callees(project: ProjectView, definition: Definition) -> list[str]:
    """Return the signatures of what a definition calls, with the first line of their docstrings."""
    found: dict[str, None] = {}
    for name, calls in project.calls(definition).items():
        on = receiver(definition, calls[0])
        for each in resolve_call(project, definition, name, on):
            found[signature(each, located=True)] = None
    return list(found)[:MOST_CALLEES]


def resolve_call(
    project: ProjectView, definition: Definition, name: str, on: str | None
) -> list[Definition]:
    """Return the definitions that a call may mean; none where that cannot be told."""
    path = definition.source.path
    inside = range(definition.start, definition.end)
    known = [
        d
        for d in project.find_definitions(name)
        if d.source.path != path or d.start not in inside  # Itself, and what it defines.
    ]
    own = [d for d in known if d.source.path == path]
    if on in OWN:
        siblings = [d for d in own if d.around == (definition.around or definition.name)]
        return siblings or drop_if_many(known)
    if on is None:
        return [d for d in own if not d.around] or drop_if_many([d for d in known if not d.around])
    return drop_if_many(known)


def drop_if_many(known: list[Definition]) -> list[Definition]:
    """Return definitions unless there are too many to mean any."""
    return known if len(known) <= MOST_HOMONYMS else []


def callers(
    project: ProjectView, definition: Definition, hidden: Collection[str] = ()
) -> list[str]:
    """Return the lines around calls of a definition; none that holds a line to be hidden."""
    name = definition.own
    if name == "__init__":
        name = definition.around.rsplit(".", 1)[-1]
    own = definition.source.path
    paths = [own] if own in project.files else []
    if len(project.find_definitions(name)) <= MOST_HOMONYMS + 1:
        paths += [path for path in project.find_files_naming(name) if path != own]
    found: list[str] = []
    for path in paths:
        for each in project.definitions(path):
            if len(found) == MOST_CALLERS:
                return found
            if each.is_class or name not in project.calls(each) or overlaps(each, definition):
                continue
            text = excerpt(project, each, name)
            if not hidden_in(text, hidden):
                found.append(text)
    return found


def overlaps(one: Definition, other: Definition) -> bool:
    """Say whether one definition lies in the other."""
    same = one.source.path == other.source.path
    return same and one.start < other.end and other.start < one.end


def write_sections(*sections: tuple[str, Sequence[str]]) -> list[str]:
    """Return what is shown around a definition, under headings; what is not there has none."""
    return [f"{heading}\n{data(chr(10).join(found))}" for heading, found in sections if found]


def excerpt(project: ProjectView, caller: Definition, name: str) -> str:
    """Return a caller's signature, and the lines around its first call."""
    text = caller.source.text
    call = project.calls(caller)[name][0]
    first, last = text.line_at(call.start_byte), text.line_at(call.end_byte)
    head = text.line_at(caller.start + len(caller.head) - 1)
    low = max(first - AROUND, head + 1)
    high = min(last + AROUND, text.line_at(max(caller.end - 1, 0))) + 1
    lines = decode(b"".join(text.lines(low, high))).rstrip()[:CALLER_LIMIT]
    return f"# {caller.source.path}, in {caller.name}\n{head_of(caller)}\n    ...\n{lines}"


def hidden_in(text: str, hidden: Collection[str]) -> bool:
    """Say whether a text holds a line that is to be hidden."""
    return any(line.strip() in hidden for line in text.split("\n"))


def class_of(project: ProjectView, definition: Definition, left_out: range) -> str:
    """Return the head of the class around a method, and the names of its attributes.

    Attributes are those that are used outside of a range: what only a hidden body names is not
    told.
    """
    known = project.definitions(definition.source.path)
    around = [d for d in known if d.is_class and d.name == definition.around]
    around = [d for d in around if d.start <= definition.start < d.end]
    if not around:
        return ""
    names = sorted(
        {
            match[1].decode("utf-8", "replace")
            for match in ATTRIBUTE.finditer(around[0].code)
            if around[0].start + match.start() not in left_out
        }
    )
    told = f"\n    # its attributes: {', '.join(names[:MOST_ATTRIBUTES])}" if names else ""
    return signature(around[0]) + told


def signature(definition: Definition, *, located: bool = False) -> str:
    """Return a head with the first line of its docstring."""
    where = f"# {definition.source.path}, {definition.name}\n" if located else ""
    head = head_of(definition)
    text = next(iter(lines_of(decode(definition.documentation))), "")[:SUMMARY_LIMIT]
    pad = " " * (len(head.split("\n")[-1]) - len(head.split("\n")[-1].lstrip()) + 4)
    return f"{where}{head}" + (f"\n{pad}# {text}" if text else "")


def head_of(definition: Definition) -> str:
    """Return decorators and signature; of a very long one the beginning."""
    head = decode(definition.head)
    return head if len(head) <= HEAD_LIMIT else f"{head[:HEAD_LIMIT]}..."


def lines_of(docstring: str) -> Iterator[str]:
    """Yield the lines of a docstring that say something, without its quotes."""
    for line in OPENING.sub("", docstring).rstrip("\"'").split("\n"):
        if line.strip():
            yield line.strip().rstrip("\"'")

"""A model that is scripted by rules: it answers any question of ours from what the question shows.

Slips of the stated kind, bodies from signatures, fixes put back line by line, reports from what was
printed. Its answers have the form and the faults of a model's: some do not apply, some change
nothing that a test sees, some have to be written again.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from typing import Any
from zlib import crc32

from tests.furniture.slips import slip

DATA = re.compile(r"(?s)<data-([0-9a-f]{16})>\n(.*?)\n</data-\1>")
KIND = re.compile(r"^- ([a-z-]+): ", re.M)
SENSES = re.compile(r"where (.+?) = ([\w.]+)\((.*)\)")
ERROR = re.compile(r"[\w.]*(?:Error|Exception|Exit|Warning)\b")
MODULE = re.compile(r"^module ([\w.]+)\n(\w+)\(", re.M)


def told(request: dict[str, Any]) -> str:
    """All that a request tells in the user's place."""
    content = request["messages"][0]["content"]
    return content if isinstance(content, str) else "\n\n".join(part["text"] for part in content)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a question, by the form that it asks for."""
    text = told(request)
    forms = {"mistakes": mistakes, "bodies": bodies, "edits": undoing, "report": report}
    return forms[request["tools"][0]["name"]](text)


def after(text: str, heading: str) -> str:
    """The first piece of data after a heading; empty where there is none."""
    match = DATA.search(text, text.find(heading)) if heading in text else None
    return match[2] if match is not None else ""


def mistakes(text: str) -> dict[str, Any]:
    """A slip of each kind that is asked for, where the definition has a place for it."""
    code = after(text, "\nas it is:\n")
    found = []
    for kind in KIND.findall(text.rpartition("Make one mistake of each")[2]):
        edit = slip(code, kind, crc32(f"{kind}{code}".encode()))
        if edit is not None:
            found.append({"kind": kind, "symptom": "it does another thing", "edits": [edit]})
    return {"mistakes": found}


def bodies(text: str) -> dict[str, Any]:
    """What somebody writes who has read the signature, and the docstring not to its end."""
    return {"bodies": [body(after(text, "\nwithout its body:\n"))]}


def body(front: str) -> str:
    plain = textwrap.dedent(front)
    try:
        tree = ast.parse(plain + "\n    pass\n").body[0]
    except SyntaxError:
        return "return None\n"
    assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
    names = [each.arg for each in (*tree.args.posonlyargs, *tree.args.args)]
    own = names[0] if names and names[0] in ("self", "cls") else ""
    given = [name for name in names if name != own]
    first = given[0] if given else own or "None"
    decorators = " ".join(ast.unparse(each) for each in tree.decorator_list)
    if "contextmanager" in decorators:
        return f"yield {first}\n"
    returns = ast.unparse(tree.returns).strip("'\"") if tree.returns is not None else ""
    return f"return {value(returns, first)}\n"


def value(returns: str, first: str) -> str:
    """An expression of a type, made of one name."""
    known = {
        "bool": f"bool({first})",
        "str": f"str({first})",
        "int": f"len(str({first}))",
        "None": "None",
    }
    kind = returns.partition("[")[0].rpartition(".")[2].lower()
    if returns in known:
        return known[returns]
    if kind in ("list", "tuple", "dict", "set"):
        return f"{kind}()"
    return "iter(())" if kind in ("iterator", "iterable", "generator") else first


def undoing(text: str) -> dict[str, Any]:
    """The lines that a fix added, changed back where they still stand as they were."""
    shown: dict[str, list[str]] = {}
    pieces = [match[2] for match in DATA.finditer(text.partition("Today's code:")[2])]
    for path, code in zip(pieces[::2], pieces[1::2], strict=False):
        shown.setdefault(path, []).append(code)
    edits = []
    for added, removed in changes(after(text, "The fix, as a diff:")):
        for path, codes in shown.items():
            if sum(code.count(added) for code in codes) == 1 and len(added.strip()) > 8:
                edits.append({"path": path, "find": added, "replace": removed})
                break
    repeated = "Your answer 1 was:" in text
    because = "some of its lines stand as they were" if edits else "nothing of it is left"
    return {"edits": [] if repeated else edits[:20], "because": because}


def changes(diff: str) -> Iterator[tuple[str, str]]:
    """What a diff added, and what stood there before, piece by piece."""
    added: list[str] = []
    removed: list[str] = []
    for line in [*diff.splitlines(), " "]:
        if line.startswith("+") and not line.startswith("+++"):
            added.append(line[1:])
        elif line.startswith("-") and not line.startswith("---"):
            removed.append(line[1:])
        else:
            if added:
                yield "\n".join(added), "\n".join(removed)
            added, removed = [], []


def report(text: str) -> dict[str, Any]:
    """A user's report of what was printed."""
    printed = [match[2] for match in DATA.finditer(text.partition("What was printed where")[2])]
    said = seen(printed[0])
    what = after(text, "What misbehaves, as it is documented:").splitlines()
    name = what[1].partition("(")[0] if len(what) > 1 else after(text, "The project:")
    kind = ERROR.match(said)
    title = f"{name} gives an unexpected {kind[0]}" if kind else f"{name} gives a wrong result"
    style = text.rpartition("The style: ")[2].partition(":")[0].partition(".")[0]
    return {
        "title": title[:150],
        "body": told_in(style, name, said),
        "script": script(text, printed) if style in ("With a script", "Detailed") else "",
    }


def seen(printed: str) -> str:
    """The end of what was printed: the error's name and what it says."""
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if ERROR.match(line)]
    return (
        "\n    ".join(line.strip() for line in lines[errors[-1] if errors else -1 :]) or "nothing"
    )


def told_in(style: str, name: str, said: str) -> str:
    """The text of a report in one of the styles."""
    short = said[:160]
    words = {
        "Terse": f"`{name}` does not do what its documentation says. I get this:\n\n    {short}",
        "A question": f"Am I using `{name}` in a way it is not meant for? It worked for me until "
        f"I upgraded, and with the same input I see this now:\n\n    {short}\n\n"
        "Is that intended, or should it still do what the documentation promises?",
        "Detailed": f"### What I did\n\nI call `{name}` as the documentation shows.\n\n"
        f"### What happened\n\n    {said[:600]}\n\n"
        "### What I expected\n\nThe behaviour that is documented, as in the last release.",
    }
    plain = f"After an upgrade `{name}` behaves differently from what is documented."
    return words.get(style, plain)


def script(text: str, printed: list[str]) -> str:
    """A script that makes the call which was printed beside a wrong value, where there is one."""
    modules = {name: module for module, name in MODULE.findall(text)}
    for line in "\n".join(printed).splitlines():
        match = SENSES.search(line)
        if match is not None and match[2] in modules and literal(match[3]):
            call = f"{match[2]}({match[3]})"
            return f"from {modules[match[2]]} import {match[2]}\n\nprint(repr({call}))\n"
    return example(after(text, "From its README:")) or f"import {after(text, 'The project:')}\n"


def example(readme: str) -> str:
    """The first example of a README, asked for its help."""
    found = re.search(r"(?s)```python\n(.*?)```", readme)
    return f"import sys\n\nsys.argv[1:] = ['--help']\n\n{found[1]}" if found is not None else ""


def literal(arguments: str) -> bool:
    """Whether arguments are written out, so that anybody can pass them."""
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        assert isinstance(call, ast.Call)
        for each in (*call.args, *(keyword.value for keyword in call.keywords)):
            ast.literal_eval(each)
    except (SyntaxError, ValueError):
        return False
    return True

"""What a user could have seen of a bug: messages, the public interface, the README."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from storage.errors import PatchError
from storage.records import Bug
from syntax.marked import marked_hunks
from syntax.python import parse_python
from tasks.giveaway_removal import clean
from tasks.giveaways import Secrets, held_lines, secrets_of, squash_code
from tasks.masks import exception_of, mask_output
from tasks.references import Traces

READMES = ("README.md", "README.rst", "README.txt", "README", "readme.md", "readme.rst")
README_LIMIT = 2000
DOC_LIMIT = 1500
MOST_MESSAGES = 5
MOST_ENTITIES = 4

Read = Callable[[str], bytes | None]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a statement may be made of, and what it must not hold."""

    bug: str
    """Id of the bug."""
    name: str
    """Of the project."""
    messages: tuple[str, ...]
    """What failing tests said, masked."""
    public: str
    """What is broken, as the documentation has it: name, signature, docstring."""
    readme: str
    samples: tuple[str, ...]
    """Real issues of the same repository."""
    secrets: Secrets


def observe(
    bug: Bug,
    failing: Sequence[str],
    messages: Mapping[str, str],
    *,
    name: str,
    read: Read,
    samples: tuple[str, ...] = (),
) -> Observed:
    """Gather what a user could have seen; ``read`` reads files of the unbroken code."""
    readme = excerpt(read)
    own = "\n\n".join(public_parts(bug.patch, read))
    secrets = secrets_of(bug, failing, interface=own, readme=readme)
    lines = [line for line in own.splitlines() if not held_lines(line, secrets.lines)]
    said = [mask_output(messages[test], secrets) for test in failing if test in messages]
    differing = {exception_of(text): text for text in reversed(said) if text}
    return Observed(
        bug=bug.id,
        name=name,
        messages=tuple(reversed(differing.values()))[:MOST_MESSAGES],
        public="\n".join(lines).strip(),
        readme=readme,
        samples=samples,
        secrets=secrets,
    )


def excerpt(read: Read) -> str:
    """Return the beginning of the README, without images and comments."""
    for path in READMES:
        if content := read(path):
            text = clean(content.decode("utf-8", "replace").replace("\r\n", "\n"), Traces()).text
            return text.strip()[:README_LIMIT]
    return ""


def public_parts(patch: str, read: Read) -> list[str]:
    """Describe what a patch changes by what is public of it."""
    found: dict[str, None] = {}
    for path, line, changed in places(patch):
        content = read(path) if path.endswith(".py") else None
        if content and (told := describe_definition(content, line, module_of(path), changed)):
            found[told] = None
    return list(found)[:MOST_ENTITIES]


def places(patch: str) -> Iterator[tuple[str, int, frozenset[str]]]:
    """Yield path, first changed line and what the changed lines say, for each file of a patch."""
    try:
        found = marked_hunks(patch)
    except PatchError:
        return
    for path, group in groupby(found, key=attrgetter("path")):
        hunks = list(group)
        changed = frozenset(squash_code(line) for hunk in hunks for line in hunk.select_lines("+-"))
        yield path, hunks[0].first_changed(), changed


def module_of(path: str) -> str:
    """Return the module that a path is most likely imported as."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts[1:] if parts[0] in ("src", "lib") and len(parts) > 1 else parts)


def describe_definition(
    content: bytes, line: int, module: str, changed: Set[str] = frozenset()
) -> str:
    """Describe the innermost public definition around a line; empty where there is none.

    Its signature is left out when one of its lines is among the ``changed``.
    """
    tree = parse_python(content)
    if tree is None:
        return ""
    chain = public_chain(around(tree, line))
    if not chain:
        return ""
    name = ".".join(each.name for each in chain)
    doc = (ast.get_docstring(chain[-1]) or "")[:DOC_LIMIT]
    head = content.decode("utf-8", "replace").splitlines()[slice(*head_of(chain[-1]))]
    shown = "" if changed & {squash_code(each) for each in head} - {""} else signature(chain[-1])
    return "\n".join([f"module {module}", f"{name}{shown}", *doc.splitlines()])


def head_of(node: Definition) -> tuple[int, int]:
    """Return the lines down to a definition's body, or to that of ``__init__``, from 0."""
    made = [each for each in node.body if getattr(each, "name", "") == "__init__"]
    last = made[0] if made and isinstance(node, ast.ClassDef) else node
    body = last.body[0] if isinstance(last, Definition) else last
    return node.lineno - 1, max(body.lineno - 1, node.lineno)


def around(tree: ast.AST, line: int) -> list[Definition]:
    """Return the definitions that hold a line, outermost first."""
    for node in ast.iter_child_nodes(tree):
        end = getattr(node, "end_lineno", None) or 0
        if not getattr(node, "lineno", line + 1) - decorators(node) <= line <= end:
            continue
        inner = around(node, line)
        return [node, *inner] if isinstance(node, Definition) else inner
    return []


def decorators(node: ast.AST) -> int:
    """Count the lines that a definition's decorators take above it."""
    first = [each.lineno for each in getattr(node, "decorator_list", ())]
    return getattr(node, "lineno", 0) - min(first) if first else 0


def public_chain(chain: Iterable[Definition]) -> list[Definition]:
    """Return the definitions as far as a user can reach them."""
    found: list[Definition] = []
    for node in chain:
        hidden = node.name.startswith("_") and not re.fullmatch(r"__\w+__", node.name)
        if hidden or (found and not isinstance(found[-1], ast.ClassDef)):
            break
        found.append(node)
    return found


def signature(node: Definition) -> str:
    """Return how something is called."""
    if isinstance(node, ast.ClassDef):
        made = [each for each in node.body if getattr(each, "name", "") == "__init__"]
        return signature(made[0]) if made and isinstance(made[0], ast.FunctionDef) else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"

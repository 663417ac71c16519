"""A model's answer as edits of source files: read, checked, and applied; nothing else is taken.

Every room that asks a model for code takes it through here.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tree_sitter import Node

from storage.errors import PatchError
from syntax.languages import Language, language_of
from syntax.paths import is_source_path
from syntax.python import parse_python
from syntax.splices import Splice, merge

EDIT_LIMIT = 8000
"""Characters of what an edit finds, and of what it puts there."""

FIND: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": EDIT_LIMIT,
    "description": "Whole lines copied exactly, indentation included; as many as it takes to "
    "occur once in what is to be edited.",
}
REPLACE: Mapping[str, Any] = {
    "type": "string",
    "maxLength": EDIT_LIMIT,
    "description": "What is to stand there.",
}
"""JSON schemas of an edit's texts, for the forms in which a model answers."""

GIVES_AWAY = re.compile(
    r"\b(?:bug(?:s|gy|ged)?|fix(?:e[sd]|ing|me)?|todo|xxx|undo(?:es|ing|ne)?|undid|"
    r"revert(?:s|ed|ing)?|reintroduc\w*|regress\w*|broken|intentional\w*|deliberate\w*|"
    r"inject(?:s|ed)?|faulty?|wrong(?:ly)?|incorrect(?:ly)?|pull request|no longer)\b|#\d+",
    re.I,
)
"""Words by which a comment tells where the bug is, or that one was made."""


class EditsRefused(PatchError):
    """Edits that are not taken; ``reason`` names why, the message tells the model."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """In one file, a text that occurs once and what stands there instead."""

    path: str
    find: str
    replace: str


def read_edits(answer: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Return the edits of an answer: objects with ``path``, ``find`` and ``replace``."""
    return tuple(Edit(**edit) for edit in answer["edits"])


def apply_edits(edits: Sequence[Edit], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that edits change.

    Raises EditsRefused when one lies outside the source files given, does not apply exactly once
    or overlaps another, and when together they do not parse, change nothing, or tell of the bug.
    """
    splices: dict[str, list[Splice]] = {}
    for number, edit in enumerate(edits, 1):
        if edit.path not in files or not is_source_path(edit.path):
            raise EditsRefused(
                "edits-outside", f"edit {number}: {edit.path[:200]!r} is none of the source files"
            )
        splices.setdefault(edit.path, []).append(place_edit(edit, files[edit.path], number))
    changed = {path: apply_splices(path, files[path], found) for path, found in splices.items()}
    for path, data in changed.items():
        check_parses(path, files[path], data)
    changed = {
        path: data for path, data in changed.items() if not is_same_code(path, files[path], data)
    }
    if not changed:
        raise EditsRefused("edits-change-nothing", "the code after the edits is what it was")
    for path, data in changed.items():
        check_comments(path, files[path], data)
    return changed


def place_edit(edit: Edit, data: bytes, number: int) -> Splice:
    """Find where an edit applies."""
    find, replace = as_bytes(edit.find, data, number), as_bytes(edit.replace, data, number)
    at = data.find(find)
    if at < 0:
        raise EditsRefused("edits-do-not-apply", f"edit {number}: `find` is not in {edit.path}")
    if data.find(find, at + 1) >= 0:
        raise EditsRefused(
            "edits-do-not-apply", f"edit {number}: `find` is in {edit.path} more than once"
        )
    return Splice(at, at + len(find), replace)


def as_bytes(text: str, data: bytes, number: int) -> bytes:
    """Encode a text with the line ends of the file it is for."""
    try:
        found = text.encode()
    except UnicodeEncodeError:
        raise EditsRefused("edits-do-not-apply", f"edit {number}: it is no text") from None
    return found.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if b"\r\n" in data else found


def apply_splices(path: str, data: bytes, splices: Sequence[Splice]) -> bytes:
    """Apply the edits of one file."""
    try:
        return merge(data, splices).apply(data)
    except ValueError:
        raise EditsRefused("edits-do-not-apply", f"edits of {path} overlap") from None


def syntax_of(path: str, data: bytes) -> str | None:
    """Return a Python file as a syntax tree that can be compared; None when there is none."""
    if not path.endswith(".py"):
        return None
    tree = parse_python(data)
    try:
        return None if tree is None else ast.dump(tree)
    except RecursionError:
        return None


def check_parses(path: str, before: bytes, after: bytes) -> None:
    """Refuse what does not parse, unless the file did not parse before.

    Where this Python does not know the language of the file (its version may be newer), the
    grammar says whether it parses.
    """
    language = language_of(path)
    if syntax_of(path, before) is not None:
        wrong = syntax_of(path, after) is None
    else:
        wrong = language is not None and (
            language.parse(after).has_error and not language.parse(before).has_error
        )
    if wrong:
        raise EditsRefused("edits-do-not-parse", f"{path} does not parse after the edits")


def is_same_code(path: str, before: bytes, after: bytes) -> bool:
    """Say whether two versions of a file mean the same, comments and layout apart."""
    meaning = syntax_of(path, before)
    return before == after or (meaning is not None and meaning == syntax_of(path, after))


def check_comments(path: str, before: bytes, after: bytes) -> None:
    """Refuse added comments and docstrings that tell of the bug."""
    language = language_of(path)
    if language is None:
        return
    added = Counter(remarks(language, after)) - Counter(remarks(language, before))
    for remark in added:
        if found := GIVES_AWAY.search(remark):
            raise EditsRefused(
                "edits-give-away", f"a comment added to {path} says {found[0]!r}; leave it out"
            )


def remarks(language: Language, data: bytes) -> Iterator[str]:
    """Yield the comments of a file, and the strings that stand alone as docstrings do."""
    stack: list[Node] = [language.parse(data)]
    while stack:
        node = stack.pop()
        if "comment" in node.type or (
            language.words.get(node.type) == "string"
            and node.parent is not None
            and language.words.get(node.parent.type) == "statement"
        ):
            yield " ".join(data[node.start_byte : node.end_byte].decode("utf-8", "replace").split())
        else:
            stack += node.children

"""Which source files no bug is made in, though they could be: others wrote them, or a program."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from syntax.languages import language_of
from syntax.python import parse_python

LARGEST = 1 << 20
"""Bytes of a file; larger ones are tables of data, in which every line is a place for a bug."""
VENDORED = frozenset({"_vendor", "_vendored", "vendored", "third_party", "thirdparty"})
GENERATED_NAME = re.compile(r"_pb2(_grpc)?\.pyi?$|^_?parser_?tables?\.py$|^(lex|yacc)tab\.py$")
GENERATED = re.compile(
    rb"@generated\b|\bdo not (edit|modify)\b"
    rb"|\b(auto-?|automatically |machine[- ])generated (by|from|with|using|file|code|module)\b"
    rb"|^#\W*(this (file|module) (is|was) )?generated (by|from|with|using)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""As programs say it in a comment or docstring at the top of what they write."""
TOP = 1024
COMMENT = re.compile(rb"\A(?:[ \t\r\n]|#[^\n]*\n?|\"\"\".*?\"\"\"|'''.*?''')*", re.DOTALL)


def find_unsuited(path: str, utf8: bytes) -> str:
    """Return the named reason why no bug is to be made in a file; empty where one may be."""
    if len(utf8) > LARGEST:
        return "size"
    if VENDORED.intersection(PurePosixPath(path).parts[:-1]):
        return "vendored"
    if is_generated(path, utf8):
        return "generated"
    return "" if is_readable(path, utf8) else "syntax"


def is_generated(path: str, utf8: bytes) -> bool:
    """Say whether a program wrote a file, by its name or by what stands above its code."""
    if GENERATED_NAME.search(PurePosixPath(path).name):
        return True
    head = COMMENT.match(utf8[:TOP])
    return head is not None and GENERATED.search(head[0]) is not None


def is_readable(path: str, utf8: bytes) -> bool:
    """Say whether a file is code: of this Python, or by the grammar of a newer one."""
    language = language_of(path)
    if language is None:
        return False
    return parse_python(utf8) is not None or not language.parse(utf8).has_error

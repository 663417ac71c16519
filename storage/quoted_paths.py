"""Paths as git writes them in patches: quoted where they hold quotes, control or other bytes."""

from __future__ import annotations

import re

ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-3][0-7]{2})')
QUOTED = re.compile(rb'"(?:[^"\\\n]|\\(?:[abtnvfr"\\]|[0-3][0-7]{2}))*"')
NAMED = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
    b'"': b'"',
    b"\\": b"\\",
}
LETTERS = {meant[0]: b"\\" + letter for letter, meant in NAMED.items()}


def quote_path(raw: bytes) -> bytes:
    """Quote a path where git would (``core.quotePath``)."""
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in raw):
        return raw
    escaped = [
        LETTERS.get(byte) or (bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte)
        for byte in raw
    ]
    return b'"' + b"".join(escaped) + b'"'


def unquote_path(name: bytes) -> bytes:
    """Undo the quoting of a path; one without quotes is returned as it is."""
    if not QUOTED.fullmatch(name):
        return name
    return ESCAPE.sub(lambda m: NAMED.get(m[1]) or bytes([int(m[1], 8)]), name[1:-1])

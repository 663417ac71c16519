"""Binary changes as git writes them: deflated literals and deltas in base 85.

The format is that of https://git-scm.com/docs/diff-format and of ``patch-delta.c``: data lines of
at most 52 bytes, each with its length as a letter; a delta copies from the old content and inserts.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b85decode, b85encode
from dataclasses import dataclass

from storage.errors import PatchError

METHOD = re.compile(rb"(literal|delta) (\d{1,12})\n")
LINE_BYTES = 52
LARGEST = 1 << 28
"""Bytes that a binary change may make: a delta of a few bytes can name any size."""


@dataclass(frozen=True, slots=True)
class BinaryHunk:
    """One direction of a binary change: the whole content, or a delta to the other one."""

    method: bytes
    data: bytes

    def apply(self, before: bytes) -> bytes:
        """Return the content after the change. Raises PatchError."""
        return self.data if self.method == b"literal" else apply_delta(before, self.data)


@dataclass(frozen=True, slots=True)
class BinaryChange:
    """A binary change, and the way back where the patch holds it."""

    forward: BinaryHunk
    backward: BinaryHunk | None = None


def is_binary(content: bytes) -> bool:
    """Say whether a content is no text: a NUL byte, as git has it."""
    return b"\0" in content


def make_change(old: bytes, new: bytes) -> BinaryChange:
    """Return the change between two contents, as literals both ways."""
    return BinaryChange(BinaryHunk(b"literal", new), BinaryHunk(b"literal", old))


def write_change(change: BinaryChange) -> bytes:
    """Write a binary change, its first line included."""
    hunks = (change.forward, *([change.backward] if change.backward else []))
    return b"GIT binary patch\n" + b"".join(write_binary_hunk(hunk) for hunk in hunks)


def write_binary_hunk(hunk: BinaryHunk) -> bytes:
    """Write one direction: its method and size, data lines, and the empty line that ends it."""
    packed = zlib.compress(hunk.data)
    lines = [b"%s %d\n" % (hunk.method, len(hunk.data))]
    for start in range(0, len(packed), LINE_BYTES):
        piece = packed[start : start + LINE_BYTES]
        size = len(piece)
        letter = bytes([size + 64 if size <= 26 else size + 70])
        lines.append(letter + b85encode(piece, pad=True) + b"\n")
    return b"".join(lines) + b"\n"


def read_change(lines: list[bytes], at: int) -> tuple[BinaryChange, int]:
    """Read a binary change from the line after its first; return it and the line after it.

    Raises PatchError.
    """
    forward, at = read_binary_hunk(lines, at)
    if forward is None:
        raise PatchError(f"the patch is malformed at its line {at + 1}: no binary data")
    backward, at = read_binary_hunk(lines, at)
    return BinaryChange(forward, backward), at


def read_binary_hunk(lines: list[bytes], at: int) -> tuple[BinaryHunk | None, int]:
    """Read one direction; None where there is none. Raises PatchError."""
    match = METHOD.fullmatch(lines[at]) if at < len(lines) else None
    if match is None:
        return None, at
    packed, end = [], at + 1
    while end < len(lines) and lines[end] != b"\n":
        packed.append(decode_line(lines[end], end))
        end += 1
    if end == len(lines):
        raise PatchError("the patch is malformed: binary data without an end")
    return BinaryHunk(match[1], inflate(b"".join(packed), int(match[2]), at)), end + 1


def decode_line(line: bytes, at: int) -> bytes:
    """Return the bytes of one data line. Raises PatchError."""
    letter = line[0]
    size = letter - 64 if 65 <= letter <= 90 else letter - 70 if 97 <= letter <= 122 else 0
    text = line[1:].removesuffix(b"\n")
    try:
        data = b85decode(text)
    except ValueError:
        data = b""
    if not size or not line.endswith(b"\n") or len(text) % 5 or not size <= len(data) < size + 4:
        raise PatchError(f"the patch is malformed at its line {at + 1}: binary data")
    return data[:size]


def inflate(packed: bytes, size: int, at: int) -> bytes:
    """Undo the deflation of data of a known size. Raises PatchError for any other."""
    if size > LARGEST:
        raise PatchError(f"the patch is too large: {size} bytes of binary data at line {at + 1}")
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, size + 1)
        is_whole = stream.eof or not stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error:
        data, is_whole = b"", False
    if len(data) != size or not is_whole or not stream.eof:
        raise PatchError(f"the patch is malformed at its line {at + 1}: binary data")
    return data


def apply_delta(before: bytes, delta: bytes) -> bytes:
    """Return what a delta makes of a content. Raises PatchError where it does not fit."""
    try:
        old_size, at = read_size(delta, 0)
        new_size, at = read_size(delta, at)
        if old_size != len(before) or new_size > LARGEST:
            raise PatchError("a binary delta of the patch does not fit the file")
        made = run_delta(before, delta, at, new_size)
    except IndexError as error:
        raise PatchError("the patch is malformed: a binary delta that ends early") from error
    if len(made) != new_size:
        raise PatchError("the patch is malformed: a binary delta of another size than it says")
    return made


def run_delta(before: bytes, delta: bytes, at: int, limit: int) -> bytes:
    """Follow a delta's instructions until its end, or until more than ``limit`` is made."""
    made = bytearray()
    while at < len(delta) and len(made) <= limit:
        code = delta[at]
        at += 1
        if code & 0x80:
            start, size, at = read_copy(delta, code, at)
            if start + size > len(before):
                raise PatchError("a binary delta of the patch does not fit the file")
            made += before[start : start + size]
        elif code and at + code <= len(delta):
            made += delta[at : at + code]
            at += code
        else:
            raise PatchError("the patch is malformed: a binary delta that cannot be read")
    return bytes(made)


def read_copy(delta: bytes, code: int, at: int) -> tuple[int, int, int]:
    """Read where a copy starts, its size, and the place after it."""
    values = []
    for bits in (range(4), range(4, 7)):
        value = 0
        for place, bit in enumerate(bits):
            if code & (1 << bit):
                value |= delta[at] << (8 * place)
                at += 1
        values.append(value)
    return values[0], values[1] or 0x10000, at


def read_size(delta: bytes, at: int) -> tuple[int, int]:
    """Read a size of seven bits a byte, the lowest first, and the place after it."""
    size = shift = 0
    while True:
        byte = delta[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80 or shift > 63:
            return size, at


def hash_blob(content: bytes, like: str) -> str:
    """Return the name git gives to a content, in the hash that another name is in."""
    data = b"blob %d\0" % len(content) + content
    if len(like) == 64:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()

"""The encoding that a Python file declares, as https://peps.python.org/pep-0263/ has it.

A file is read as UTF-8 text without byte-order mark and cookie, in which every tool agrees on
offsets; an edit of whole lines goes back to the file's own bytes, all others staying as they are.
"""

from __future__ import annotations

import io
import re
import tokenize
from codecs import lookup
from collections.abc import Sequence
from dataclasses import dataclass

from syntax.line_edits import line_of, offset
from syntax.splices import Splice, merge
from syntax.text import Text

MARK = b"\xef\xbb\xbf"
COOKIE = re.compile(rb"^([ \t\f]*#.*?codin)g(?=[:=])", re.MULTILINE)
"""The one that is heeded stands in a comment of its own, in one of the first two lines."""
PLAIN = ("utf-8", "utf-8-sig")


class EncodingRefused(ValueError):
    """A file whose bytes cannot be read, or not be written again, in the encoding it declares."""


@dataclass(frozen=True, slots=True)
class DeclaredText:
    """A file as it is kept, and as UTF-8."""

    raw: bytes
    codec: str
    mark: bytes
    """The byte-order mark that it begins with, or nothing."""
    utf8: bytes
    """The same lines as UTF-8; a cookie that says otherwise is spelled so that nobody heeds it."""

    @property
    def is_plain(self) -> bool:
        """Say whether both are the same bytes."""
        return self.raw == self.utf8

    @property
    def is_stateful(self) -> bool:
        """Say whether what bytes mean depends on those before them, as in ISO 2022."""
        return lookup(self.codec).name.startswith(("iso2022", "hz", "utf-7"))

    def encode(self, text: str) -> bytes:
        """Return a part of the text in the file's encoding. Raises UnicodeEncodeError."""
        return text.encode(self.codec.removesuffix("-sig"))

    def restore(self, edits: Sequence[Splice]) -> tuple[list[Splice], bytes]:
        """Turn edits of whole lines of the UTF-8 text into those of the file; return it after them.

        Raises EncodingRefused where the file's encoding has no bytes for what they bring.
        """
        view, text = Text.of(self.utf8), Text.of(self.raw)
        own = [self._restore_edit(edit, view, text) for edit in edits]
        after = merge(self.raw, own).apply(self.raw)
        if read_declared(after).utf8 != merge(self.utf8, edits).apply(self.utf8):
            raise EncodingRefused(f"an edit cannot be written in {self.codec}")
        return own, after

    def _restore_edit(self, edit: Splice, view: Text, text: Text) -> Splice:
        first, last = line_of(view, edit.start), line_of(view, edit.end)
        start, end = offset(text, first), offset(text, last)
        try:
            new = self.encode(edit.text.decode())
        except UnicodeError as error:
            raise EncodingRefused(f"an edit cannot be written in {self.codec}") from error
        if first or not self.mark:
            return Splice(start, end, new)
        if last:
            return Splice(start, end, self.mark + new)
        end = text.line_end(0)
        return Splice(start, end, self.mark + new + self.raw[len(self.mark) : end])


def read_declared(data: bytes) -> DeclaredText:
    """Read a file in the encoding that it declares, UTF-8 where it declares none.

    Raises EncodingRefused.
    """
    if b"\0" in data:
        raise EncodingRefused("it holds zero bytes, as UTF-16 does")
    try:
        codec, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        mark = MARK if codec == "utf-8-sig" else b""
        text = data.removeprefix(mark).decode(codec.removesuffix("-sig"))
        again = text.encode(codec.removesuffix("-sig"))
    except (SyntaxError, LookupError, ValueError) as error:
        raise EncodingRefused(describe(error)) from error
    if codec in PLAIN:
        return DeclaredText(data, codec, mark, data.removeprefix(mark))
    utf8 = without_cookie(text.encode())
    if again != data or utf8.count(b"\n") != data.count(b"\n"):
        raise EncodingRefused(f"it does not survive being read and written as {codec}")
    return DeclaredText(data, codec, mark, utf8)


def describe(error: Exception) -> str:
    """Say in a few words why a file cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return f"its bytes are not {error.encoding}"
    return " ".join(str(error).split())


def without_cookie(utf8: bytes) -> bytes:
    """Spell the cookie of the first two lines so that none is found there, at the same length."""
    head, rest = split_head(utf8)
    return COOKIE.sub(rb"\1G", head) + rest


def split_head(data: bytes) -> tuple[bytes, bytes]:
    """Split a file after its second line."""
    first = data.find(b"\n") + 1
    at = data.find(b"\n", first) + 1 if first else 0
    return (data[:at], data[at:]) if at else (data, b"")

"""A file's bytes with its lines. Only a line feed ends a line; offsets are bytes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


def split_lines(data: bytes) -> list[bytes]:
    """Split into lines that keep their ends; form feeds and carriage returns end none."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def with_ends_of(data: bytes, text: bytes) -> bytes:
    """Return a text with the line ends of some bytes: those of their first line."""
    line, found, _ = data.partition(b"\n")
    if not found:
        return text
    plain = text.replace(b"\r\n", b"\n")
    return plain.replace(b"\n", b"\r\n") if line.endswith(b"\r") else plain


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes with the offset at which each line starts."""

    data: bytes
    starts: tuple[int, ...]

    @classmethod
    def of(cls, data: bytes) -> Text:
        """Index the lines of some bytes."""
        starts, offset = [], 0
        for line in split_lines(data):
            starts.append(offset)
            offset += len(line)
        return cls(data, tuple(starts) or (0,))

    def line_at(self, offset: int) -> int:
        """Number, from 0, of the line that holds an offset."""
        return bisect_right(self.starts, offset) - 1

    def line_end(self, line: int) -> int:
        """Offset just after a line, its end included."""
        return self.starts[line + 1] if line + 1 < len(self.starts) else len(self.data)

    def lines(self, first: int, last: int) -> list[bytes]:
        """Lines ``first`` to ``last`` (exclusive), each with its end."""
        first, last = max(first, 0), min(last, len(self.starts))
        if first >= last:
            return []
        return split_lines(self.data[self.starts[first] : self.line_end(last - 1)])

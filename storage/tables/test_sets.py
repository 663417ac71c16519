"""Lists of tests as lists of numbers, packed small and named by their content."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence


def pack(numbers: Sequence[int]) -> bytes:
    """Pack numbers in their order: differences as variable-length integers, compressed.

    Runs of tests that follow one another, which is what lists of tests are, cost almost nothing.
    """
    return zlib.compress(bytes(_octets(numbers)), 9)


def unpack(packed: bytes) -> list[int]:
    """Return the numbers that ``pack`` was given."""
    numbers: list[int] = []
    value = shift = previous = 0
    for octet in zlib.decompress(packed):
        value |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            previous += (value >> 1) ^ -(value & 1)
            numbers.append(previous)
            value = shift = 0
    return numbers


def name(packed: bytes) -> str:
    """Name a packed list by its content."""
    return hashlib.sha256(packed).hexdigest()[:24]


def without(numbers: Iterable[int], excluded: Iterable[int]) -> list[int]:
    """Return the numbers not excluded, in their order."""
    left_out = set(excluded)
    return [number for number in numbers if number not in left_out]


def _octets(numbers: Sequence[int]) -> Iterator[int]:
    previous = 0
    for number in numbers:
        step = number - previous
        previous = number
        value = step << 1 if step >= 0 else (-step << 1) - 1
        while value >= 0x80:
            yield value & 0x7F | 0x80
            value >>= 7
        yield value

"""What each test was seen to run, in few bytes: files and tests are numbered, lines are lists."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping

from harness.selection import Coverage, Seen

FORMAT = 1


def complete(seen: Mapping[str, Seen], tests: Iterable[str]) -> Coverage | None:
    """Return the coverage of tests; one that was not seen counts as opaque.

    None when it is not known what ran before the first test: then nothing can be selected.
    """
    imported = seen.get("")
    if imported is None:
        return None
    unseen = Seen(opaque=True)
    return Coverage(imported=imported, tests={test: seen.get(test, unseen) for test in tests})


def encode(coverage: Coverage) -> bytes:
    """Encode a coverage; equal coverages give equal bytes."""
    names = sorted({name for each in all_seen(coverage) for name in (*each.code, *each.opened)})
    number = {name: place for place, name in enumerate(names)}

    def plain(seen: Seen) -> list[object]:
        code = [[number[path], sorted(lines)] for path, lines in sorted(seen.code.items())]
        return [code, sorted(number[path] for path in seen.opened), int(seen.opaque)]

    document = {
        "format": FORMAT,
        "files": names,
        "imported": plain(coverage.imported),
        "tests": [[test, plain(seen)] for test, seen in sorted(coverage.tests.items())],
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9)


def decode(data: bytes) -> Coverage | None:
    """Return what ``encode`` was given; None for another version's bytes."""
    document = json.loads(zlib.decompress(data))
    if document["format"] != FORMAT:
        return None
    files: list[str] = document["files"]

    def seen(code: list[tuple[int, list[int]]], opened: list[int], opaque: int) -> Seen:
        return Seen(
            code={files[place]: frozenset(lines) for place, lines in code},
            opened=frozenset(files[place] for place in opened),
            opaque=bool(opaque),
        )

    return Coverage(
        imported=seen(*document["imported"]),
        tests={test: seen(*parts) for test, parts in document["tests"]},
    )


def all_seen(coverage: Coverage) -> list[Seen]:
    return [coverage.imported, *coverage.tests.values()]

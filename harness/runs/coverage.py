"""What each test was seen to run, in few bytes: files are numbered, lines are bits of a number."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping

from harness.runs.selection import Coverage, ExecutionTrace, Masks

FORMAT = 3
READABLE = (2, FORMAT)
"""Before 3, what several tests have in common was written for each of them."""


def make_coverage(
    seen: Mapping[str, ExecutionTrace],
    tests: Iterable[str],
    importers: Mapping[str, frozenset[str]] | None = None,
) -> Coverage | None:
    """Return the coverage of tests; one that was not seen counts as opaque.

    None when it is not known what ran before the first test: then nothing can be selected.
    """
    imported = seen.get("")
    if imported is None:
        return None
    unseen = ExecutionTrace(opaque=True)
    return Coverage(
        imported=imported,
        tests={test: seen.get(test, unseen) for test in tests},
        importers=importers or {},
    )


def encode(coverage: Coverage) -> bytes:
    """Encode a coverage; equal coverages give equal bytes."""
    traces = {id(seen): seen for seen in (coverage.imported, *coverage.tests.values())}
    names = sorted(
        {
            name
            for each in traces.values()
            for name in (*each.code, *each.lines, *each.introspected, *each.opened)
        }
        | {name for opened in coverage.importers.values() for name in opened}
    )
    number = {name: place for place, name in enumerate(names)}

    def masks(found: Masks) -> list[object]:
        return [[number[path], f"{mask:x}"] for path, mask in sorted(found.items())]

    def plain(seen: ExecutionTrace) -> list[object]:
        opened = sorted(number[path] for path in seen.opened)
        parts = [masks(found) for found in (seen.code, seen.lines, seen.introspected)]
        return [*parts, opened, int(seen.opaque)]

    written = {each: json.dumps(plain(seen)) for each, seen in traces.items()}
    contents = sorted({written[id(seen)] for seen in coverage.tests.values()})
    place = {content: number for number, content in enumerate(contents)}
    document = {
        "format": FORMAT,
        "files": names,
        "imported": plain(coverage.imported),
        "traces": [json.loads(content) for content in contents],
        "tests": [
            [test, place[written[id(seen)]]] for test, seen in sorted(coverage.tests.items())
        ],
        "importers": [
            [file, sorted(number[path] for path in opened)]
            for file, opened in sorted(coverage.importers.items())
        ],
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9)


def decode(data: bytes) -> Coverage | None:
    """Return what ``encode`` was given; None for another version's bytes."""
    document = json.loads(zlib.decompress(data))
    if document["format"] not in READABLE:
        return None
    files: list[str] = document["files"]

    def masks(found: list[tuple[int, str]]) -> dict[str, int]:
        return {files[place]: int(mask, 16) for place, mask in found}

    def unpack_seen(
        code: list[tuple[int, str]],
        lines: list[tuple[int, str]],
        introspected: list[tuple[int, str]],
        opened: list[int],
        opaque: int,
    ) -> ExecutionTrace:
        return ExecutionTrace(
            code=masks(code),
            lines=masks(lines),
            introspected=masks(introspected),
            opened=frozenset(files[place] for place in opened),
            opaque=bool(opaque),
        )

    traces = [unpack_seen(*parts) for parts in document.get("traces", ())]
    return Coverage(
        imported=unpack_seen(*document["imported"]),
        tests={
            test: traces[found] if isinstance(found, int) else unpack_seen(*found)
            for test, found in document["tests"]
        },
        importers={
            file: frozenset(files[place] for place in opened)
            for file, opened in document["importers"]
        },
    )

"""A parsed file that bugs are made in, and what a change of it comes to."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mutators.base.checks import Checker
from mutators.base.operator import ParsedSource
from mutators.base.sites import CompilableUnit, unit_around, units_of
from storage.records import FileChange
from syntax.encodings import EncodingRefused, read_declared
from syntax.intake.ids import NO_TESTS, group_tests
from syntax.intake.test_code import spans_of_tests
from syntax.languages import language_of
from syntax.line_edits import edits_diff, whole_lines
from syntax.patches import splice_diff
from syntax.paths import is_test_path
from syntax.splices import Splice, Splices

STEP = 1 << 15
"""Bytes between the points from which a file's hash is computed on."""


@dataclass(frozen=True, slots=True)
class Wound:
    """A change of one file that the running Python finds worth proposing."""

    patch: str
    change: FileChange
    unit: str
    """The source to compile."""


@dataclass(slots=True)
class CandidateFile:
    """A parsed file with what its candidates share."""

    source: ParsedSource
    mode: str
    checker: Checker
    states: list[hashlib._Hash]
    """State of the hash at each multiple of STEP."""
    tests: Sequence[tuple[int, int]] = ()
    """Where tests stand in it."""

    @classmethod
    def of(cls, source: ParsedSource, mode: str, names: Collection[str] = ()) -> CandidateFile:
        """Prepare a file; ``names`` are the tests in it."""
        data, states = source.text.data, [hashlib.sha256()]
        for at in range(0, len(data) - STEP, STEP):
            state = states[-1].copy()
            state.update(data[at : at + STEP])
            states.append(state)
        spans = spans_of_tests(data, names) if names else ()
        return cls(source, mode, Checker(data), states, spans)

    def make_wound(self, splices: Splices, units: tuple[CompilableUnit, ...] = ()) -> Wound | None:
        """Return what a change comes to; None when it is not worth proposing.

        ``units`` are those around a change in one place, innermost first, where they are known.
        """
        source = self.source
        path, text = source.path, source.text
        if any(self.is_in_test(splice) for splice in splices):
            return None
        if len(splices) == 1 and units:
            (one,) = splices
            unit = self.checker.check_change(unit_around(units, one), one)
            patch = splice_diff(path, text, one.start, one.end, one.text) if unit else ""
        else:
            unit = self.checker.check_changes(units_of(splices, source))
            patch = edits_diff(path, text, whole_lines(text, splices)) if unit else ""
        if unit is None or not patch:
            return None
        change = FileChange(path=path, mode=self.mode, sha256=self.sha256_after(splices))
        return Wound(patch, change, unit)

    def is_in_test(self, splice: Splice) -> bool:
        """Say whether a change touches a test."""
        return any(splice.start < end and start < splice.end for start, end in self.tests)

    def sha256_after(self, splices: Splices) -> str:
        """Hash of the file after a change, computed from the last point before it."""
        number = min(splices[0].start // STEP, len(self.states) - 1)
        state, data = self.states[number].copy(), memoryview(self.source.text.data)
        at = number * STEP
        for splice in splices:
            state.update(data[at : splice.start])
            state.update(splice.text)
            at = splice.end
        state.update(data[at:])
        return state.hexdigest()


@dataclass(slots=True)
class Files:
    """The files that bugs may be made in, each parsed when it is first asked for."""

    files: Mapping[str, bytes]
    modes: Mapping[str, str]
    tests: tuple[str, ...] = ()
    """Ids of tests: no bug is made in one, also where it shares a file with the code."""
    read: dict[str, CandidateFile] = field(default_factory=dict)

    def source(self, path: str) -> ParsedSource | None:
        """Return a parsed file; None for a test, and for what is not to be understood."""
        language = language_of(path)
        if language is None or is_test_path(path) or not is_utf8(self.files[path]):
            return None
        if path not in self.read:
            source = ParsedSource.of(path, self.files[path], language)
            names = group_tests(self.tests).get(path, NO_TESTS).code
            self.read[path] = CandidateFile.of(source, self.modes.get(path, "100644"), names)
        return self.read[path].source

    def file(self, path: str) -> CandidateFile:
        """Return a file that was parsed."""
        return self.read[path]


def is_utf8(data: bytes) -> bool:
    """Say whether a file is text as the checks read it; ``transcribe`` makes such of others."""
    try:
        return read_declared(data).is_plain
    except EncodingRefused:
        return False

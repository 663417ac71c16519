"""A parsed file that bugs are made in, and what a change of it comes to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mutators.checking import Checker
from mutators.operator import Source
from mutators.sites import Unit, unit_around, units_of
from storage.records import FileChange
from syntax.line_edits import edits_diff, whole_lines
from syntax.patches import splice_diff
from syntax.splices import Splices

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
class File:
    """A parsed file with what its candidates share."""

    source: Source
    mode: str
    checker: Checker
    states: list[hashlib._Hash]
    """State of the hash at each multiple of STEP."""

    @classmethod
    def of(cls, source: Source, mode: str) -> File:
        """Prepare a file."""
        data, states = source.text.data, [hashlib.sha256()]
        for at in range(0, len(data) - STEP, STEP):
            state = states[-1].copy()
            state.update(data[at : at + STEP])
            states.append(state)
        return cls(source, mode, Checker(data), states)

    def wound(self, splices: Splices, units: tuple[Unit, ...]) -> Wound | None:
        """Return what a change comes to; None when it is not worth proposing.

        ``units`` are those around its one place, innermost first; those of several are found.
        """
        source = self.source
        path, text = source.path, source.text
        if len(splices) == 1:
            (one,) = splices
            unit = self.checker.changed(unit_around(units, one), one)
            if unit is None:
                return None
            patch = splice_diff(path, text, one.start, one.end, one.text)
        else:
            unit = self.checker.changed_in_places(units_of(splices, source))
            if unit is None:
                return None
            patch = edits_diff(path, text, whole_lines(text, splices))
        if not patch:
            return None
        change = FileChange(path=path, mode=self.mode, sha256=self.sha256_after(splices))
        return Wound(patch, change, unit)

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

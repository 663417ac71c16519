"""Files as UTF-8, whatever they are kept in, for strategies that know nothing else; and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mutators.suitability import find_unsuited
from storage.errors import PatchError
from storage.records import Bug, FileChange
from syntax.encodings import DeclaredText, EncodingRefused, read_declared
from syntax.line_edits import edits_diff, line_edits
from syntax.patch_sections import FilePatch
from syntax.patch_text import parse
from syntax.text import Text


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """Why no bug is made in a file: a named reason, and what there is to add."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """What bugs are made in, as UTF-8, and the files that are kept otherwise."""

    files: Mapping[str, bytes]
    """As UTF-8."""
    declared: Mapping[str, DeclaredText]
    """Those of them whose own bytes are others."""
    left_out: Mapping[str, UnreadFile]
    """The files in which no bug is made: path to why."""

    def restore(self, bug: Bug) -> Bug:
        """Turn a bug of these files into one of the bytes that are kept.

        Raises EncodingRefused, PatchError.
        """
        if not any(change.path in self.declared for change in bug.changes):
            return bug
        modes = {change.path: change.mode for change in bug.changes}
        found = [self._restore_file(part, modes) for part in parse(bug.patch)]
        patch = "".join(diff for diff, _ in found)
        return replace(bug, patch=patch, changes=tuple(change for _, change in found))

    def _restore_file(self, part: FilePatch, modes: Mapping[str, str]) -> tuple[str, FileChange]:
        path = part.new
        if path is None or part.old != path or path not in self.files:
            raise PatchError("only changes of files that stay can be written in another encoding")
        kept = self.declared.get(path) or read_declared(self.files[path])
        edits, after = kept.restore(line_edits(part, Text.of(kept.utf8)))
        digest = hashlib.sha256(after).hexdigest()
        diff = edits_diff(path, Text.of(kept.raw), edits)
        return diff, FileChange(path=path, mode=modes[path], sha256=digest)


def transcribe(files: Mapping[str, bytes]) -> Transcription:
    """Read files in the encodings that they declare, and leave out those that are not suited."""
    read: dict[str, bytes] = {}
    declared: dict[str, DeclaredText] = {}
    left_out: dict[str, UnreadFile] = {}
    for path, data in files.items():
        found = read_file(path, data)
        if isinstance(found, UnreadFile):
            left_out[path] = found
            continue
        read[path] = found.utf8
        if not found.is_plain:
            declared[path] = found
    return Transcription(files=read, declared=declared, left_out=left_out)


def read_file(path: str, data: bytes) -> DeclaredText | UnreadFile:
    """Read one file, or say why no bug is made in it."""
    try:
        found = read_declared(data)
    except EncodingRefused as error:
        return UnreadFile("encoding", str(error))
    reason = find_unsuited(path, found.utf8)
    return UnreadFile(reason) if reason else found

"""Files as UTF-8, whatever they are kept in, for strategies that know nothing else; and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from storage.errors import PatchError
from storage.records import Bug, FileChange
from syntax.encodings import DeclaredText, EncodingRefused, read_declared
from syntax.line_edits import edits_diff, line_edits
from syntax.patch_text import FilePatch, parse
from syntax.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """What bugs are made in, as UTF-8, and the files that are kept otherwise."""

    files: Mapping[str, bytes]
    """As UTF-8; those that cannot be read are left out."""
    declared: Mapping[str, DeclaredText]
    """Those of them whose own bytes are others."""
    refused: Mapping[str, str]
    """The files that cannot be read: path to why."""

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
    """Read files in the encodings that they declare."""
    read: dict[str, bytes] = {}
    declared: dict[str, DeclaredText] = {}
    refused: dict[str, str] = {}
    for path, found in read_files(files):
        if isinstance(found, str):
            refused[path] = found
            continue
        read[path] = found.utf8
        if not found.is_plain:
            declared[path] = found
    return Transcription(files=read, declared=declared, refused=refused)


def read_files(files: Mapping[str, bytes]) -> Iterator[tuple[str, DeclaredText | str]]:
    """Yield each file, or why it cannot be read."""
    for path, data in files.items():
        try:
            yield path, read_declared(data)
        except EncodingRefused as error:
            yield path, str(error)

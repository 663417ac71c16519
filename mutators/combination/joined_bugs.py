"""Join bugs into one: every parent's change stays what it was, byte for byte.

Changes that overlap, lie side by side, or touch the same statement are refused: it could not be
said any more which parent made what, and undoing one would undo the other.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from storage.errors import PatchError
from storage.records import Bug, FileChange, Origin
from syntax.blocks import Module
from syntax.blocks import parse as parse_python
from syntax.line_edits import edits_diff, line_edits
from syntax.patch_sections import FilePatch
from syntax.patch_text import apply_patch, parse
from syntax.patches import unified_diff
from syntax.splices import Splice, merge
from syntax.text import Text


@dataclass(frozen=True, slots=True)
class BugPart:
    """What one bug does to one file: the lines it replaces, or the whole file."""

    path: str
    mode: str
    edits: tuple[Splice, ...] = ()
    """Empty where it adds the file or takes it away."""
    whole: bytes | None = None
    """The content of a file that it adds."""
    touched: frozenset[int] = frozenset()
    """The statements and heads that it changes, by where they start."""

    @property
    def start(self) -> int:
        """Where its first change is."""
        return self.edits[0].start if self.edits else 0


def is_clash(one: BugPart, other: BugPart) -> bool:
    """Say whether two changes of the same file cannot stand beside each other."""
    if not one.edits or not other.edits or one.mode != other.mode or one.touched & other.touched:
        return True
    return any(a.start <= b.end and b.start <= a.end for a in one.edits for b in other.edits)


@dataclass(slots=True)
class Joiner:
    """Joins bugs of one tree; what it learned of each file and bug is kept."""

    files: Mapping[str, bytes]
    _texts: dict[str, Text] = field(default_factory=dict)
    _units: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    _parts: dict[str, tuple[BugPart, ...]] = field(default_factory=dict)

    def parts(self, bug: Bug) -> tuple[BugPart, ...]:
        """What a bug does to each file, by path; nothing where it does not apply to these."""
        if bug.id not in self._parts:
            try:
                found = sorted(self._parse_parts(bug), key=lambda part: part.path)
            except PatchError:
                found = []
            self._parts[bug.id] = tuple(found)
        return self._parts[bug.id]

    def fits(self, one: Bug, other: Bug) -> bool:
        """Say whether two bugs can be joined."""
        ours, theirs = self.parts(one), self.parts(other)
        if not ours or not theirs or one.tree != other.tree:
            return False
        return not any(
            is_clash(mine, its) for mine in ours for its in theirs if mine.path == its.path
        )

    def join(self, bugs: Sequence[Bug], *, operator: str = "", seed: int = 0) -> Bug | None:
        """Return the bug that holds all of several, in whatever order; None where they clash."""
        ordered = sorted(bugs, key=lambda bug: bug.id)
        if len({bug.id for bug in ordered}) < max(len(ordered), 2):
            return None
        if not all(self.fits(one, other) for one, other in combinations(ordered, 2)):
            return None
        by_path: dict[str, list[BugPart]] = {}
        for part in (part for bug in ordered for part in self.parts(bug)):
            by_path.setdefault(part.path, []).append(part)
        joined = [self._join_file(path, by_path[path]) for path in sorted(by_path)]
        files = [each for each in joined if each is not None]
        if len(files) < len(joined):
            return None
        first = min(by_path)
        place = min(part.start for part in by_path[first])
        origin = Origin(
            strategy="combine",
            operator=operator,
            path=first,
            line=self.text(first).line_at(place) + 1,
            seed=seed,
            parents=tuple(bug.id for bug in ordered),
        )
        patch = "".join(diff for diff, _ in files)
        changes = tuple(change for _, change in files)
        return Bug(tree=ordered[0].tree, patch=patch, changes=changes, origin=origin)

    def text(self, path: str) -> Text:
        """A file with its lines; empty where there is none."""
        if path not in self._texts:
            self._texts[path] = Text.of(self.files.get(path, b""))
        return self._texts[path]

    def _join_file(self, path: str, parts: Sequence[BugPart]) -> tuple[str, FileChange] | None:
        """The patch of one file and what the file is after it; None where it parses no more."""
        before, mode = self.files.get(path), parts[0].mode
        if not parts[0].edits:
            after, diff = parts[0].whole, unified_diff(path, before, parts[0].whole, mode=mode)
        else:
            edits = [edit for part in parts for edit in part.edits]
            text = self.text(path)
            after, diff = merge(text.data, edits).apply(text.data), edits_diff(path, text, edits)
            if len(parts) > 1 and self._is_python(path) and parse_python(after) is None:
                return None
        sha256 = "" if after is None else hashlib.sha256(after).hexdigest()
        return diff, FileChange(path=path, mode=mode, sha256=sha256)

    def _parse_parts(self, bug: Bug) -> Iterator[BugPart]:
        after = apply_patch(bug.patch, self.files.get)
        modes = {change.path: change.mode for change in bug.changes}
        if set(modes) != set(after):
            raise PatchError("the patch and the changes name different files")
        patches: dict[str, list[FilePatch]] = {}
        for patch in parse(bug.patch):
            patches.setdefault(patch.new or patch.old or "", []).append(patch)
        for path, content in after.items():
            found = patches.get(path, [])
            mode = modes[path]
            is_text = len(found) == 1 and found[0].hunks
            if self.files.get(path) is None or content is None or not is_text:
                yield BugPart(path, mode, whole=content)
                continue
            edits = tuple(line_edits(found[0], self.text(path)))
            yield BugPart(
                path, mode, edits, touched=frozenset(self._find_touched_units(path, edits))
            )

    def _find_touched_units(self, path: str, edits: Sequence[Splice]) -> Iterator[int]:
        """The units that edits change: simple statements, and heads of compound ones."""
        units = self._units_of(path)
        for edit in edits:
            low, high = edit.start, max(edit.end, edit.start + 1)
            at = bisect_right(units, (high, 0))
            yield from (start for start, end in units[:at] if start < high and low < end)

    def _units_of(self, path: str) -> list[tuple[int, int]]:
        if path not in self._units:
            module = parse_python(self.text(path).data) if path.endswith(".py") else None
            self._units[path] = sorted(units(module)) if module is not None else []
        return self._units[path]

    def _is_python(self, path: str) -> bool:
        return bool(self._units_of(path))


def units(module: Module) -> Iterator[tuple[int, int]]:
    """The bytes of all lines of statements without bodies, and of heads."""
    text = module.text
    for statement in module.walk():
        if not statement.clauses:
            yield statement.first, statement.last
        for clause in statement.clauses:
            yield clause.first, text.line_end(text.line_at(clause.end))

"""Undo a fix on today's code without a model: reversed patch, three-way merge, merge by statement.

Each file is undone by the cheapest tier that can; the dearest that was needed names the whole.
What is undone must parse, differ from today's code as a syntax tree, and leave no name without a
definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mirror.undo.blame import blame_units
from mirror.undo.fixes import Fix, FixedFile
from mirror.undo.merge import merge
from mirror.undo.name_check import (
    Names,
    find_undefined_names,
    missing_imports,
    normal_form_of,
    tree_of,
)
from mirror.undo.placement import Placing, Today
from mirror.undo.results import TIERS, FixPart, Tier, Undo, summarise_undo
from mirror.undo.threeway import merge_file
from storage.errors import PatchError
from syntax.blocks import Module, parse
from syntax.hunks import place_hunks, reverse_hunk
from syntax.modern import parse_modernised
from syntax.patch_text import parse as parse_patch
from syntax.patches import unified_diff
from syntax.splices import Splice
from syntax.splices import merge as merge_splices
from syntax.text import with_ends_of

RULES = "1"
"""Version of the rules by which a fix is undone, those of the model's tier included: what did not
do by them is not tried again. Raise it with every change of what can be undone."""


@dataclass(slots=True)
class CurrentTree:
    """Today's Python files, parsed once for all fixes of a repository."""

    files: Mapping[str, bytes]
    """Source files."""
    others: Mapping[str, bytes] = field(default_factory=dict)
    """Other Python files, tests above all, that may import from them."""

    _today: Today | None = None
    _names: Names | None = None

    @property
    def today(self) -> Today:
        if self._today is None:
            parsed = {path: parse(data) for path, data in self.files.items()}
            self._today = Today({path: m for path, m in parsed.items() if m is not None})
        return self._today

    @property
    def names(self) -> Names:
        if self._names is None:
            self._names = Names(self.files, self.others)
        return self._names


def undo(fix: Fix, tree: CurrentTree, homes: Mapping[str, Sequence[str]]) -> Undo:
    """Undo a fix as far as it can be."""
    return FixUndoer(fix, tree, homes).result()


class FixUndoer:
    """The work on one fix."""

    def __init__(self, fix: Fix, tree: CurrentTree, homes: Mapping[str, Sequence[str]]) -> None:
        self._tree = tree
        self._homes = homes
        self._changes = fix.changes

    def result(self) -> Undo:
        """Try whole files first; where that leaves something broken, statement by statement."""
        parts = [self._undo_part(change) for change in self._changes]
        files, broken = self._settle_parts(parts, frozenset())
        # A whole file takes back what others have come to use as well. Its statements can be taken
        # back one by one, and those in use left out.
        if broken and any(part.tier in ("apply", "three-way") for part in parts):
            parts = [self._undo_part(change, TIERS[2:]) for change in self._changes]
            files, broken = self._settle_parts(parts, frozenset())
        dropped: frozenset[int] = frozenset()
        reasons: dict[int, str] = {}
        while broken:
            # Every round leaves out one unit more at least, or nothing can be named: it ends.
            blamed = self._blame(parts, dropped, broken)
            if not blamed:
                return Undo(
                    files={}, tier=None, undone=0.0, missed=((next(iter(broken)), "broken"),)
                )
            reasons |= blamed
            dropped |= blamed.keys()
            files, broken = self._settle_parts(parts, dropped)
        return summarise_undo(parts, self._with_effect(files), reasons)

    def _blame(
        self, parts: Sequence[FixPart], dropped: frozenset[int], broken: set[str]
    ) -> dict[int, str]:
        def stands_without(left_out: frozenset[int]) -> bool:
            return not self._find_breakage(self._assemble(parts, left_out))

        return blame_units(parts, dropped, broken, stands_without)

    def _with_effect(self, files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """Return the files that mean something else than today's."""
        today = self._tree.files
        return {
            path: content
            for path, content in files.items()
            if content is None
            or path not in today
            or normal_form_of(content) != normal_form_of(today[path])
        }

    def _settle_parts(
        self, parts: Sequence[FixPart], dropped: frozenset[int]
    ) -> tuple[dict[str, bytes | None], set[str]]:
        """Put the parts together; files that the fix added stay where something uses them."""
        files = self._assemble(parts, dropped)
        broken = self._find_breakage(files)
        used = [p for p in parts if p.tier is not None and p.content is None and p.home in broken]
        # For good: what uses it would be missed in every later round as well.
        for part in used:
            part.tier, part.why = None, "used"
        return self._settle_parts(parts, dropped) if used else (files, broken)

    def _undo_part(self, change: FixedFile, tiers: Sequence[Tier] = TIERS) -> FixPart:
        homes = self._homes.get(change.path, ())
        part = FixPart(change, homes[0] if homes else "")
        before, fixed = parse_modernised(change.before), parse_modernised(change.fixed)
        if change.before is None or change.fixed is None:
            return self._undo_whole_file(part, before or fixed)
        if before is not None and fixed is not None:
            placing = Placing(fixed, change.path, self._tree.today, homes)
            part.units = merge(before, fixed, placing)
            part.size = sum(unit.size for unit in part.units)
        if not part.home or (before is not None and not part.size):
            return part
        today = self._tree.files[part.home]
        for tier in tiers:
            content = self._undo_by_tier(tier, part, change.before, change.fixed, today)
            if content is not None and self._is_sound(content, today):
                part.tier, part.content = tier, content
                break
        return part

    def _undo_by_tier(
        self, tier: Tier, part: FixPart, before: bytes, fixed: bytes, today: bytes
    ) -> bytes | None:
        if tier == "apply":
            return apply_reversed(before, fixed, today)
        if tier == "three-way":
            return merge_file(today, fixed, before)
        return None

    def _undo_whole_file(self, part: FixPart, module: Module | None) -> FixPart:
        """A file that the fix added is removed; one that it removed comes back."""
        part.size = sum(each.size for each in module.body) if module is not None else 1
        change = part.change
        if change.fixed is None:
            if change.old_path not in self._tree.files:
                part.home, part.tier, part.content = change.old_path, "apply", change.before
        # Only as the fix made it: what others have put into the file since must not go with it.
        elif part.home and normal_form_of(self._tree.files[part.home]) == normal_form_of(
            change.fixed
        ):
            part.tier, part.content = "apply", None
        return part

    def _is_sound(self, content: bytes, today: bytes) -> bool:
        """Say whether a result parses, and means something else than today's code."""
        return tree_of(content) is not None and normal_form_of(content) != normal_form_of(today)

    def _assemble(
        self, parts: Sequence[FixPart], dropped: frozenset[int]
    ) -> dict[str, bytes | None]:
        """Put the parts together, some units left out."""
        files: dict[str, bytes | None] = {}
        splices: dict[str, list[Splice]] = {}
        for part in parts:
            if part.tier is not None:
                files[part.home] = part.content
                continue
            for unit in part.units:
                if not unit.why and id(unit) not in dropped:
                    splices.setdefault(unit.path, []).extend(unit.splices)
        for path, found in splices.items():
            # A file that is undone whole has other offsets than the text the splices are for.
            if path in files:
                continue
            content = self._apply_splices(path, found)
            if content is not None:
                files[path] = content
        return self._with_imports(files)

    def _apply_splices(self, path: str, splices: Sequence[Splice]) -> bytes | None:
        today = self._tree.files[path]
        chosen: list[Splice] = []
        for splice in sorted(splices, key=lambda s: (s.start, s.end)):
            # Two units may claim the same lines: a definition goes that holds another change.
            if chosen and splice.start < chosen[-1].end:
                continue
            chosen.append(splice)
        if not chosen:
            return None
        fitting = [replace(splice, text=with_ends_of(today, splice.text)) for splice in chosen]
        content = merge_splices(today, fitting).apply(today)
        return content if content != today else None

    def _with_imports(self, files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """Bring back imports that what came back needs."""
        result = dict(files)
        for path, content in files.items():
            if content is None or path not in self._tree.files:
                continue
            absent = find_undefined_names(content) - find_undefined_names(self._tree.files[path])
            if absent:
                sources = [c.before for c in self._changes if c.before is not None]
                result[path] = missing_imports(content, absent, sources, self._tree.names)
        return result

    def _find_breakage(self, files: Mapping[str, bytes | None]) -> set[str]:
        """Return what stands in the way: files that do not parse, names without a definition."""
        found: set[str] = set()
        for path, content in files.items():
            if content is None:
                if self._tree.names.imports_module(path, files):
                    found.add(path)
                continue
            if tree_of(content) is None:
                found.add(path)
                continue
            # Today's code may have such names itself (``exec``, star imports): only new ones count.
            found |= find_undefined_names(content) - find_undefined_names(
                self._tree.files.get(path, b"")
            )
        return found | self._tree.names.find_lost_names(files)


def apply_reversed(before: bytes, fixed: bytes, today: bytes) -> bytes | None:
    """Apply the reversed diff of one file to today's; None where it does not apply."""
    if today == fixed:
        return before
    patch = unified_diff("f", before, fixed)
    try:
        (part,) = parse_patch(patch)
        hunks = [reverse_hunk(hunk) for hunk in part.hunks]
        # Others wrote before and after it since: it need not be at the file's beginning or end.
        return place_hunks(today, hunks, "f", is_anchored=False)
    except (PatchError, ValueError):
        return None

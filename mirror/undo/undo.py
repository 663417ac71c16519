"""Undo a fix on today's code without a model: reversed patch, three-way merge, merge by statement.

Each file is undone by the cheapest tier that can; the dearest that was needed names the whole.
What is undone must parse, differ from today's code as a syntax tree, and leave no name without a
definition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mirror.undo.fixes import Change, Fix
from mirror.undo.merge import Unit, merge
from mirror.undo.name_check import Names, meaning, missing_imports, tree_of, undefined
from mirror.undo.placement import Placing, Today
from mirror.undo.threeway import merge_file
from storage.errors import PatchError
from syntax.blocks import Module, parse
from syntax.modern import parsed
from syntax.patch_text import apply_hunks
from syntax.patch_text import parse as parse_patch
from syntax.patches import unified_diff
from syntax.splices import Splice
from syntax.splices import merge as merge_splices
from syntax.text import with_ends_of

Tier = Literal["apply", "three-way", "structural"]
TIERS: tuple[Tier, ...] = ("apply", "three-way", "structural")
RULES = "1"
"""Version of the rules by which a fix is undone, those of the model's tier included: what did not
do by them is not tried again. Raise it with every change of what can be undone."""
WORD = re.compile(rb"\w+")
ENOUGH = 0.5
"""Share of a fix's changed statements that must be undone for it to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What came of undoing a fix."""

    files: Mapping[str, bytes | None]
    """Today's files after the undoing; empty when nothing could be undone."""
    tier: Tier | None
    undone: float
    """Share of the fix's changed statements that are what they were, from 0 to 1."""
    entities: tuple[str, ...] = ()
    """Qualified names that were undone."""
    missed: tuple[tuple[str, str], ...] = ()
    """Entity and reason of what was not: ``gone``, ``conflict``, ``used`` …"""

    @property
    def enough(self) -> bool:
        return bool(self.files) and self.undone >= ENOUGH

    @property
    def reason(self) -> str:
        """Why it is not enough, by what most of it failed for; empty when it is."""
        if self.enough:
            return ""
        whys = [why for _, why in self.missed]
        return max(sorted(set(whys)), key=whys.count) if whys else "no-effect"


@dataclass(slots=True)
class Tree:
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


@dataclass(slots=True)
class Part:
    """One file of a fix: how it was undone, or by which units it can be."""

    change: Change
    home: str
    tier: Tier | None = None
    content: bytes | None = None
    units: list[Unit] = field(default_factory=list)
    size: int = 0
    why: str = ""
    """Why it cannot be undone, where that is known of the whole file."""


def undo(fix: Fix, tree: Tree, homes: Mapping[str, Sequence[str]]) -> Undo:
    """Undo a fix as far as it can be."""
    return Undoing(fix, tree, homes).result()


class Undoing:
    """The work on one fix."""

    def __init__(self, fix: Fix, tree: Tree, homes: Mapping[str, Sequence[str]]) -> None:
        self._tree = tree
        self._homes = homes
        self._changes = fix.changes

    def result(self) -> Undo:
        """Try whole files first; where that leaves something broken, statement by statement."""
        parts = [self._part(change) for change in self._changes]
        files, broken = self._settled(parts, frozenset())
        if broken and any(part.tier in ("apply", "three-way") for part in parts):
            parts = [self._part(change, TIERS[2:]) for change in self._changes]
            files, broken = self._settled(parts, frozenset())
        dropped: frozenset[int] = frozenset()
        reasons: dict[int, str] = {}
        while broken:
            blamed = self._blamed(parts, dropped, broken)
            if not blamed:
                return Undo(
                    files={}, tier=None, undone=0.0, missed=((next(iter(broken)), "broken"),)
                )
            reasons |= blamed
            dropped |= blamed.keys()
            files, broken = self._settled(parts, dropped)
        return self._summary(parts, files, reasons)

    def _settled(
        self, parts: Sequence[Part], dropped: frozenset[int]
    ) -> tuple[dict[str, bytes | None], set[str]]:
        """Put the parts together; files that the fix added stay where something uses them."""
        files = self._assemble(parts, dropped)
        broken = self._broken(files)
        used = [p for p in parts if p.tier is not None and p.content is None and p.home in broken]
        for part in used:
            part.tier, part.why = None, "used"
        return self._settled(parts, dropped) if used else (files, broken)

    def _part(self, change: Change, tiers: Sequence[Tier] = TIERS) -> Part:
        homes = self._homes.get(change.path, ())
        part = Part(change, homes[0] if homes else "")
        before, fixed = parsed(change.before), parsed(change.fixed)
        if change.before is None or change.fixed is None:
            return self._whole(part, before or fixed)
        if before is not None and fixed is not None:
            placing = Placing(fixed, change.path, self._tree.today, homes)
            part.units = merge(before, fixed, placing)
            part.size = sum(unit.size for unit in part.units)
        if not part.home or (before is not None and not part.size):
            return part
        today = self._tree.files[part.home]
        for tier in tiers:
            content = self._by(tier, part, change.before, change.fixed, today)
            if content is not None and self._sound(content, today):
                part.tier, part.content = tier, content
                break
        return part

    def _by(
        self, tier: Tier, part: Part, before: bytes, fixed: bytes, today: bytes
    ) -> bytes | None:
        if tier == "apply":
            return reverse(before, fixed, today)
        if tier == "three-way":
            return merge_file(today, fixed, before)
        return None

    def _whole(self, part: Part, module: Module | None) -> Part:
        """A file that the fix added is removed; one that it removed comes back."""
        part.size = sum(each.size for each in module.body) if module is not None else 1
        change = part.change
        if change.fixed is None:
            if change.old_path not in self._tree.files:
                part.home, part.tier, part.content = change.old_path, "apply", change.before
        elif part.home and meaning(self._tree.files[part.home]) == meaning(change.fixed):
            part.tier, part.content = "apply", None
        return part

    def _sound(self, content: bytes, today: bytes) -> bool:
        """Say whether a result parses, and means something else than today's code."""
        return tree_of(content) is not None and meaning(content) != meaning(today)

    def _assemble(self, parts: Sequence[Part], dropped: frozenset[int]) -> dict[str, bytes | None]:
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
            if path in files:
                continue
            content = self._spliced(path, found)
            if content is not None:
                files[path] = content
        return self._with_imports(files)

    def _spliced(self, path: str, splices: Sequence[Splice]) -> bytes | None:
        today = self._tree.files[path]
        chosen: list[Splice] = []
        for splice in sorted(splices, key=lambda s: (s.start, s.end)):
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
            absent = undefined(content) - undefined(self._tree.files[path])
            if absent:
                sources = [c.before for c in self._changes if c.before is not None]
                result[path] = missing_imports(content, absent, sources, self._tree.names)
        return result

    def _broken(self, files: Mapping[str, bytes | None]) -> set[str]:
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
            found |= undefined(content) - undefined(self._tree.files.get(path, b""))
        return found | self._tree.names.lost(files)

    def _blamed(
        self, parts: Sequence[Part], dropped: frozenset[int], broken: set[str]
    ) -> dict[int, str]:
        """Choose the units to leave out: those that take away what is in use, or need what is gone.

        Where none can be named, all that do not stand together with the others.
        """
        units = [unit for unit in units_of(parts) if id(unit) not in dropped]
        paths = {part.home for part in parts} | {unit.path for unit in units}
        gone = {name.rpartition(".")[2].encode() for name in broken - paths}
        blamed = {id(unit): "used" for unit in units if broken & set(unit.removes)}
        if blamed:
            return blamed
        for unit in units:
            texts = b"\n".join(splice.text for splice in unit.splices)
            if gone & set(WORD.findall(texts)):
                blamed[id(unit)] = "needs-what-is-gone"
        if blamed:
            return blamed
        blamed = {id(unit): "used" for unit in units if broken & unit.binds}
        return blamed or self._misfits(parts, units)

    def _misfits(self, parts: Sequence[Part], units: Sequence[Unit]) -> dict[int, str]:
        """Put definition after definition together, and return what breaks those before it."""
        groups: dict[str, list[Unit]] = {}
        for unit in units:
            groups.setdefault(unit.entity, []).append(unit)
        everything = frozenset(id(unit) for unit in units_of(parts))
        kept: set[int] = set()
        for group in groups.values():
            wanted = kept | {id(unit) for unit in group}
            if not self._broken(self._assemble(parts, everything - wanted)):
                kept = wanted
        return {id(unit): "conflict" for unit in units if id(unit) not in kept}

    def _summary(
        self,
        parts: Sequence[Part],
        files: Mapping[str, bytes | None],
        reasons: Mapping[int, str],
    ) -> Undo:
        changed = {
            path: content
            for path, content in files.items()
            if content is None
            or path not in self._tree.files
            or meaning(content) != meaning(self._tree.files[path])
        }
        done, total = 0, 0
        entities: list[str] = []
        missed: list[tuple[str, str]] = []
        tiers: set[Tier] = set()
        for part in parts:
            total += part.size
            if part.tier is not None:
                done += part.size
                tiers.add(part.tier)
                entities += [unit.entity for unit in part.units]
                continue
            if not part.units and part.size == 0 and not part.home:
                missed.append((part.change.path, "gone"))
            for unit in part.units:
                why = unit.why or reasons.get(id(unit), "")
                if why:
                    missed.append((unit.entity, why))
                elif unit.path in changed:
                    done += unit.size
                    tiers.add("structural")
                    entities.append(unit.entity)
            if not part.units and part.tier is None and part.size:
                why = part.why or ("conflict" if part.home else "gone")
                missed.append((part.change.path, why))
        if not changed or not total:
            unreadable = any(
                c.before is not None and parsed(c.before) is None for c in self._changes
            )
            if unreadable and not missed:
                missed.append(("", "old-python"))
            return Undo(files={}, tier=None, undone=0.0, missed=tuple(missed))
        tier = max(tiers, key=TIERS.index, default=None)
        return Undo(
            files=changed,
            tier=tier,
            undone=done / total,
            entities=tuple(dict.fromkeys(entities)),
            missed=tuple(missed),
        )


def reverse(before: bytes, fixed: bytes, today: bytes) -> bytes | None:
    """Apply the reversed diff of one file to today's; None where it does not apply."""
    if today == fixed:
        return before
    patch = unified_diff("f", before, fixed)
    try:
        (part,) = parse_patch(patch)
        return apply_hunks(today, part.hunks, reverse=True, path="f")
    except (PatchError, ValueError):
        return None


def units_of(parts: Sequence[Part]) -> list[Unit]:
    """Return the units by which files are undone that no cheaper tier undid."""
    return [unit for part in parts if part.tier is None for unit in part.units if not unit.why]

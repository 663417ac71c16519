"""What came of undoing a fix, counted over its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mirror.undo.fixes import FixedFile
from mirror.undo.units import MergeUnit
from syntax.modern import parse_modernised

Tier = Literal["apply", "three-way", "structural"]
TIERS: tuple[Tier, ...] = ("apply", "three-way", "structural")
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
class FixPart:
    """One file of a fix: how it was undone, or by which units it can be."""

    change: FixedFile
    home: str
    tier: Tier | None = None
    content: bytes | None = None
    units: list[MergeUnit] = field(default_factory=list)
    size: int = 0
    why: str = ""
    """Why it cannot be undone, where that is known of the whole file."""


@dataclass(slots=True)
class UndoCount:
    """How much of a fix is undone, and by what."""

    done: int = 0
    total: int = 0
    entities: list[str] = field(default_factory=list)
    missed: list[tuple[str, str]] = field(default_factory=list)
    tiers: set[Tier] = field(default_factory=set)

    def add(
        self,
        part: FixPart,
        changed: Mapping[str, bytes | None],
        reasons: Mapping[int, str],
    ) -> None:
        """Count one file."""
        self.total += part.size
        if part.tier is not None:
            self.done += part.size
            self.tiers.add(part.tier)
            self.entities += [unit.entity for unit in part.units]
            return
        if not part.units and part.size == 0 and not part.home:
            self.missed.append((part.change.path, "gone"))
        for unit in part.units:
            why = unit.why or reasons.get(id(unit), "")
            if why:
                self.missed.append((unit.entity, why))
            # By the file it wrote to, which need not be the part's: definitions move.
            elif unit.path in changed:
                self.done += unit.size
                self.tiers.add("structural")
                self.entities.append(unit.entity)
        if not part.units and part.size:
            why = part.why or ("conflict" if part.home else "gone")
            self.missed.append((part.change.path, why))


def units_of(parts: Sequence[FixPart]) -> list[MergeUnit]:
    """Return the units by which files are undone that no cheaper tier undid."""
    return [unit for part in parts if part.tier is None for unit in part.units if not unit.why]


def summarise_undo(
    parts: Sequence[FixPart], changed: Mapping[str, bytes | None], reasons: Mapping[int, str]
) -> Undo:
    """Count what is undone. ``reasons`` says of units, by their ``id``, why they were left out.

    ``changed`` are the files that mean something else than today's.
    """
    count = UndoCount()
    for part in parts:
        count.add(part, changed, reasons)
    if not changed or not count.total:
        unreadable = any(
            part.change.before is not None and parse_modernised(part.change.before) is None
            for part in parts
        )
        if unreadable and not count.missed:
            count.missed.append(("", "old-python"))
        return Undo(files={}, tier=None, undone=0.0, missed=tuple(count.missed))
    return Undo(
        files=changed,
        tier=max(count.tiers, key=TIERS.index, default=None),
        undone=count.done / count.total,
        entities=tuple(dict.fromkeys(count.entities)),
        missed=tuple(count.missed),
    )

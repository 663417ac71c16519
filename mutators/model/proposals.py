"""Make a bug out of a change that a model proposed, or refuse it and say why.

The change stays inside one definition; what others see of it (name, decorators, signature,
docstring, the methods of a class) is byte for byte what it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from mutators.base.checks import Checker, Compiles
from mutators.base.operator import ParsedSource
from mutators.base.sites import CompilableUnit
from mutators.model.definitions import Definition, definitions
from mutators.model.hints import check_silent
from storage.records import Bug, FileChange, Origin, Strategy
from syntax.patches import splice_diff
from syntax.replacements import EditsRefused, check_comments, check_parses, is_same_code
from syntax.splices import Splice


@dataclass(slots=True, kw_only=True)
class Maker:
    """Makes the bugs of one run of a strategy."""

    tree: str
    modes: Mapping[str, str]
    strategy: Strategy
    seed: int
    most_lines: int | None = None
    """Lines that a change may take away and add."""
    silent: bool = False
    """Whether a change may add no comment at all."""
    model: str = ""
    """Name of the model that is asked."""
    compiles: Compiles | None = None
    """May ask another Python; called from a thread."""
    _checkers: dict[str, Checker] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    def make(self, definition: Definition, splice: Splice, operator: str = "") -> Bug:
        """Return the bug. Raises EditsRefused where the change is not to be taken."""
        source = definition.source
        path, before = source.path, source.text.data
        after = splice.apply(before)
        check_parses(path, before, after)
        check_kept(definition, splice, after)
        if is_same_code(path, before, after) or not self._changes(definition, splice):
            raise EditsRefused("edits-change-nothing", "the code does what it did, or nothing")
        check_comments(path, before, after)
        if self.silent:
            check_silent(source, splice)
        bug = self._bug(source, splice, after, definition.name, operator)
        if self.most_lines is not None and changed_lines(bug.patch) > self.most_lines:
            raise EditsRefused("edits-too-large", "it changes more lines than a slip does")
        if bug.id in self._made:
            raise EditsRefused("repeats-itself", "the code after the change was there before")
        self._made.add(bug.id)
        return bug

    def _changes(self, definition: Definition, splice: Splice) -> bool:
        """Say whether the change compiles, and compiles to something else."""
        source = definition.source
        if source.path not in self._checkers:
            self._checkers[source.path] = Checker(source.text.data)
        unit = CompilableUnit(definition.start, max(definition.end, splice.end))
        code = self._checkers[source.path].check_change(unit, splice)
        return code is not None and (self.compiles is None or all(self.compiles([code])))

    def _bug(
        self, source: ParsedSource, splice: Splice, after: bytes, entity: str, operator: str
    ) -> Bug:
        path = source.path
        change = FileChange(
            path=path,
            mode=self.modes.get(path, "100644"),
            sha256=hashlib.sha256(after).hexdigest(),
        )
        origin = Origin(
            strategy=self.strategy,
            operator=operator,
            path=path,
            entity=entity,
            line=first_line(source, splice),
            seed=self.seed,
            model=self.model,
        )
        patch = splice_diff(path, source.text, splice.start, splice.end, splice.text)
        return Bug(tree=self.tree, patch=patch, changes=(change,), origin=origin)


def changed_lines(patch: str) -> int:
    """Count the lines that a patch of one file takes away and adds."""
    lines = patch.split("\n@@ ", 1)[-1].split("\n")
    return sum(line[:1] in ("+", "-") for line in lines)


def first_line(source: ParsedSource, splice: Splice) -> int:
    """Number, from 1, of the first line that differs."""
    before = source.text.data[splice.start : splice.end]
    equal = 0
    for one, other in zip(before, splice.text, strict=False):
        if one != other:
            break
        equal += 1
    return source.text.line_at(splice.start + equal) + 1


def check_kept(definition: Definition, splice: Splice, after: bytes) -> None:
    """Refuse a change that leaves its definition, or that changes what others see of it."""
    source = definition.source
    limit = max(definition.end, splice.end) + len(after) - len(source.text.data)
    changed = definitions(ParsedSource.of(source.path, after, source.language))
    own = [d for d in changed if (d.start, d.name) == (definition.start, definition.name)]
    if not own or not fills(own[0], limit, after):
        raise EditsRefused("edits-outside", f"{definition.name} is no longer one definition")
    was, now = (
        list_visible_heads(definition, definitions(source)),
        list_visible_heads(own[0], changed),
    )
    if [(name, head) for name, head, _ in was] != [(name, head) for name, head, _ in now]:
        raise EditsRefused("edits-change-signature", "a name, decorator or signature is changed")
    if was != now:
        raise EditsRefused("edits-change-docstring", "a docstring is changed")


def fills(definition: Definition, limit: int, data: bytes) -> bool:
    """Say whether a definition goes up to a place, comments after it left out."""
    rest = data[definition.end : limit].split(b"\n")
    bare = all(not line.strip() or line.lstrip().startswith(b"#") for line in rest)
    return definition.end <= limit and bare


def list_visible_heads(
    definition: Definition, known: list[Definition]
) -> list[tuple[str, bytes, bytes]]:
    """Return what others see of a definition: its own head and those of its methods."""
    inside = range(definition.start, definition.end)
    return [(d.name, d.head, d.documentation) for d in known if d.start in inside]

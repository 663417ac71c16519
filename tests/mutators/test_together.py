"""Candidates that are joined because they belong together."""

from __future__ import annotations

import hashlib
from itertools import islice
from random import Random

from mutators.base.files import Files
from mutators.base.operator import ParsedSource
from mutators.operators.registry import operators
from mutators.procedural import joined_of, propose
from mutators.samples import SiteEdit
from mutators.together import JOINED, CandidatePool, join_candidates, leaves_out, merge_changes
from storage.records import Bug
from syntax.languages import PYTHON
from syntax.patch_text import apply_patch
from syntax.splices import Splice, merge
from tests.mutators.own import OWN

SHOP = {
    "shop/prices.py": b"""class Price:
    def __init__(self, amount, rebate):
        self.amount = amount
        self.rebate = rebate

    def net(self):
        if self.rebate:
            log(self.rebate)
        return self.amount

    def show(self):
        log(self.rebate)
        return str(self.amount)
""",
    "shop/tills.py": b"""def total(prices):
    return sum(price.net() for price in prices)
""",
}


FILES = {path: data for path, data in OWN.items() if path.startswith("syntax/f")}
SOME = dict(islice(sorted(FILES.items()), 4))


def proposed(seed: int, limit: int, files: dict[str, bytes] = SOME) -> list[Bug]:
    found = joined_of("t", Files(files, {}), operators(), seed=seed)
    return [candidate.bug for candidate in islice(found, limit)]


def places(source: ParsedSource) -> list[tuple[ParsedSource, SiteEdit]]:
    """The candidates of a file."""
    pool = CandidatePool(operators(), Random(0))
    pool.add(source)
    return [place for group in pool.same.values() for place in group]


def test_joined_bugs_compile_in_all_of_their_files_and_are_what_their_patch_makes() -> None:
    for bug in proposed(0, 60):
        broken = apply_patch(bug.patch, SOME.get)
        assert {change.path for change in bug.changes} == set(broken)
        for change in bug.changes:
            content = broken[change.path]
            assert content is not None and content != SOME[change.path]
            assert hashlib.sha256(content).hexdigest() == change.sha256
            compile(content, change.path, "exec")
        assert bug.patch.count("\n@@ ") >= 1


def test_some_are_in_several_files_that_share_a_name() -> None:
    bugs = [bug for bug in proposed(0, 150, FILES) if len(bug.changes) > 1]

    assert bugs
    for bug in bugs:
        assert [change.path for change in bug.changes] == sorted(c.path for c in bug.changes)


def test_the_seed_decides_what_is_joined() -> None:
    ids = [bug.id for bug in proposed(0, 30)]

    assert ids == [bug.id for bug in proposed(0, 30)]
    assert ids[:10] == [bug.id for bug in proposed(0, 10)]
    assert set(ids) != {bug.id for bug in proposed(1, 30)}


def test_nothing_is_joined_where_bugs_are_drawn_evenly() -> None:
    found = propose("t", SOME, {}, seed=0, max_bugs=300, compiles=None)

    assert JOINED not in {bug.origin.operator for bug in found}


def test_what_is_joined_lies_apart() -> None:
    read = Files(SHOP, {})
    found = list(join_candidates(read.files, read.source, operators(), seed=0))

    assert found
    for _, _, changes in found:
        for path, splices in changes.items():
            once = merge(SHOP[path], splices).apply(SHOP[path])
            step = SHOP[path]
            for splice in reversed(splices):
                step = splice.apply(step)
            assert once == step


def test_changes_that_overlap_are_not_joined() -> None:
    source = ParsedSource.of("a.py", b"x = a + b\n", PYTHON)
    one, other = places(source)[:2]
    wide = SiteEdit(other[1].site, (Splice(0, 9, b"y = 1"),))

    assert merge_changes([one, (source, wide)]) is None


def test_what_is_left_out_adds_nothing() -> None:
    source = ParsedSource.of("shop/prices.py", SHOP["shop/prices.py"], PYTHON)
    found = {edit.site.operator.name: leaves_out((source, edit)) for _, edit in places(source)}

    assert found["remove-conditional"] and found["forget-attribute"]
    assert not found["negate-condition"]

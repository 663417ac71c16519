"""Which bugs are joined, which joined bugs are kept, and that every parent of those matters."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import combinations, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutators.combination.choice import Chooser, Combination, Parent, ParentPool
from mutators.combination.combine import combined_bugs, is_every_parent_needed, to_judge
from storage.records import Bug, Verdict
from tests.mutators.verified import FILES, judged, parents

KNOWN = {bug.id: (bug, verdict) for bug, verdict in parents()}


class Court:
    """Judges by running the checks; remembers what it was asked, and how many at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def judge(self, bug: Bug) -> Verdict:
        self.asked.append(bug.id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(len(self.asked) % 3):
            await asyncio.sleep(0)
        self.at_once -= 1
        return judged(bug)


async def collected(
    *,
    seed: int = 0,
    limit: int | None = 30,
    sizes: tuple[int, ...] = (2, 3, 4),
    side_by_side: int = 1,
    court: Court | None = None,
) -> list[Bug]:
    found = combined_bugs(
        list(KNOWN.values()),
        FILES,
        judge=(court or Court()).judge,
        seed=seed,
        max_bugs=limit,
        sizes=sizes,
        side_by_side=side_by_side,
    )
    return [bug async for bug in found]


def proposals(
    *, seed: int = 0, sizes: tuple[int, ...] = (2,), most: int = 500
) -> list[Combination]:
    known = [Parent.of(bug, verdict) for bug, verdict in KNOWN.values()]
    pool = ParentPool.of([parent for parent in known if parent is not None], FILES)
    return list(islice(Chooser(pool, seed, sizes).proposals(), most))


async def test_every_parent_of_a_joined_bug_matters() -> None:
    bugs = await collected()

    assert len(bugs) == 30
    assert {len(bug.origin.parents) for bug in bugs} >= {2, 3}
    for bug in bugs:
        whole = set(judged(bug).fail_to_pass)
        alone = [set(KNOWN[key][1].fail_to_pass) for key in bug.origin.parents]
        assert judged(bug).valid
        assert whole not in alone
        assert bug.origin.strategy == "combine"
        assert bug.origin.operator in ("same-file", "same-package", "caller-callee")


async def test_no_set_is_kept_twice_and_none_with_the_tests_of_a_part_of_it() -> None:
    bugs = await collected(limit=120, sizes=(2, 3, 2, 4, 5))

    tests = {frozenset(bug.origin.parents): judged(bug).fail_to_pass for bug in bugs}
    assert len(tests) == len(bugs) == len({bug.id for bug in bugs})
    for one, other in combinations(tests, 2):
        if one < other or other < one:
            assert tests[one] != tests[other]


async def test_the_same_seed_gives_the_same_bugs_however_many_are_judged_at_once() -> None:
    court = Court()
    one, again, other = (
        await collected(seed=1),
        await collected(seed=1, side_by_side=4, court=court),
        await collected(seed=2),
    )

    assert one == again
    assert court.most_at_once > 1
    assert [bug.id for bug in one] != [bug.id for bug in other]


async def test_nothing_is_asked_twice_and_not_much_in_vain() -> None:
    court = Court()
    bugs = await collected(limit=60, sizes=(2,), court=court)

    assert len(bugs) == 60
    assert len(court.asked) == len(set(court.asked))
    assert len(bugs) >= 0.5 * len(court.asked)


async def test_a_source_that_is_left_early_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    source = combined_bugs(list(KNOWN.values()), FILES, judge=Court().judge, seed=0, side_by_side=4)
    async for _ in source:
        break
    await source.aclose()  # type: ignore[attr-defined]

    assert asyncio.all_tasks() == before


async def test_without_two_parents_nothing_is_joined() -> None:
    court = Court()
    only = list(KNOWN.values())[:1]

    assert [b async for b in combined_bugs(only, FILES, judge=court.judge, seed=0)] == []
    assert court.asked == []


def test_every_parent_of_a_proposal_has_a_test_of_its_own() -> None:
    for proposal in proposals(sizes=(2, 3, 4, 5), most=200):
        seen = Counter(test for parent in proposal.parents for test in parent.fail_to_pass)
        for parent in proposal.parents:
            assert any(seen[test] == 1 for test in parent.fail_to_pass)


def test_parents_are_used_evenly_and_relations_take_turns() -> None:
    found = proposals(most=90)

    assert len({proposal.ids for proposal in found}) == 90
    uses = Counter(key for proposal in found for key in proposal.ids)
    assert max(uses.values()) <= 5
    relations = Counter(proposal.relation for proposal in found)
    assert relations["same-file"] == relations["same-package"] == 30
    assert relations["caller-callee"] == 30


def test_relations_are_what_they_say() -> None:
    for proposal in proposals(sizes=(2, 3), most=120):
        paths = [parent.bug.origin.path for parent in proposal.parents]
        entities = {parent.bug.origin.entity for parent in proposal.parents}
        if proposal.relation == "same-file":
            assert len(set(paths)) == 1
        elif proposal.relation == "same-package":
            assert len(set(paths)) > 1
        else:
            assert len(entities) > 1
            assert entities & {"bill", "cheapest"} or entities & {"Basket", "Basket.add"}


TESTS = st.frozensets(st.sampled_from("abcd"))


@given(st.integers(2, 5), st.data())
def test_the_rule_is_about_each_set_that_one_is_left_out_of(size: int, data: st.DataObject) -> None:
    ids = [str(number) for number in range(size)]
    subsets = {frozenset({each}) for each in ids} | set(to_judge(ids))
    parts = {ids: data.draw(TESTS) for ids in sorted(subsets, key=sorted)}
    whole = data.draw(TESTS)

    keeps = is_every_parent_needed(whole, parts)

    assert keeps == (bool(whole) and all(t and t != whole for t in parts.values()))
    for left_out in ids:
        assert frozenset(ids) - {left_out} in parts


def test_of_a_pair_nothing_but_its_parents_is_judged() -> None:
    assert to_judge(["a", "b"]) == ()
    assert set(to_judge(["a", "b", "c"])) == {frozenset("ab"), frozenset("ac"), frozenset("bc")}


def test_the_rule_refuses_to_guess() -> None:
    parts = {frozenset(each): ["t"] for each in "abc"}

    with pytest.raises(ValueError, match="3 of 6 subsets have not been judged"):
        is_every_parent_needed(["t", "u"], parts)

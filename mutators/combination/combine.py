"""Combined bugs: several verified bugs in one, each of which matters.

Which bugs are joined is chosen in ``choosing``, how in ``joining``. Here is the rule by which a
joined bug is kept, and the source that has it judged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

from mutators.combination.choice import SIZES, Chooser, Combination, Parent, ParentPool
from storage.records import Bug, Verdict

Judge = Callable[[Bug], Awaitable[Verdict]]
Tests = Collection[str]
Ids = frozenset[str]


def to_judge(parents: Collection[str]) -> tuple[Ids, ...]:
    """The subsets whose FAIL_TO_PASS ``matters`` needs beyond the parents' own.

    Of a pair none: its proper subsets are its parents. Of more, each set that one parent is left
    out of: a parent does not matter just when the whole without it is the same.
    """
    whole = frozenset(parents)
    if len(whole) < 3:
        return ()
    return tuple(frozenset(each) for each in combinations(sorted(whole), len(whole) - 1))


def is_every_parent_needed(whole: Tests, parts: Mapping[Ids, Tests]) -> bool:
    """Say whether every parent of a joined bug matters.

    ``whole`` is the FAIL_TO_PASS of the joined bug, ``parts`` that of its proper subsets, by the
    ids of their parents: of each parent alone, of each set that ``to_judge`` names, and of any
    other that is known. The whole has to differ from each of them; and no set that one parent is
    left out of may be green, since one fix would then mend all.
    """
    parents = frozenset[str]().union(*parts)
    needed = {frozenset({parent}) for parent in parents} | set(to_judge(parents))
    missing = needed - set(parts)
    if missing or len(parents) < 2:
        raise ValueError(f"{len(missing)} of {len(needed)} subsets have not been judged")
    failing = frozenset(whole)
    return bool(failing) and all(tests and frozenset(tests) != failing for tests in parts.values())


async def combined_bugs(
    parents: Collection[tuple[Bug, Verdict]],
    files: Mapping[str, bytes],
    *,
    judge: Judge,
    seed: int,
    max_bugs: int | None = None,
    max_tries: int | None = None,
    sizes: tuple[int, ...] = SIZES,
    side_by_side: int = 1,
) -> AsyncGenerator[Bug, None]:
    """Yield joined bugs that hold, deterministic by seed.

    ``files`` are those of the tree, by path. ``judge`` is asked for each joined bug and, of three
    and more parents, for the sets that one is left out of; at most ``max_tries`` sets are tried.
    ``side_by_side`` says how many are judged at once; it changes nothing of what is yielded.
    """
    known = [parent for bug, verdict in parents if (parent := Parent.of(bug, verdict)) is not None]
    pool = ParentPool.of(known, files)
    trial = Trial(pool, judge, seed)
    waiting: deque[asyncio.Task[HeldCombination | None]] = deque()
    proposals = islice(Chooser(pool, seed, sizes).proposals(), max_tries)
    kept: dict[Ids, Tests] = {}
    try:
        while max_bugs is None or len(kept) < max_bugs:
            for proposal in islice(proposals, side_by_side - len(waiting)):
                waiting.append(asyncio.ensure_future(trial.hold(proposal)))
            if not waiting:
                return
            held = await waiting.popleft()
            if held is not None and not is_redundant(held, kept):
                kept[held.ids] = held.tests
                yield held.bug
    finally:
        await cancel_tasks([*waiting, *trial.asked.values()])


async def cancel_tasks(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel what is still under way, and wait until it is over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class HeldCombination:
    """A joined bug that holds, with its parents and tests."""

    bug: Bug
    ids: Ids
    tests: frozenset[str]


def is_redundant(held: HeldCombination, kept: Mapping[Ids, Tests]) -> bool:
    """Say whether a subset or superset with the same tests was kept before."""
    return any(
        held.tests == tests and (held.ids <= ids or ids <= held.ids) for ids, tests in kept.items()
    )


@dataclass(slots=True)
class Trial:
    """Has joined bugs judged, each once."""

    pool: ParentPool
    judge: Judge
    seed: int
    asked: dict[Ids, asyncio.Future[Verdict | None]] = field(default_factory=dict)
    """What was given to the judge, by the ids of the parents."""

    async def hold(self, proposal: Combination) -> HeldCombination | None:
        """Return the joined bug where it is valid and every parent matters."""
        joined = self.join(proposal.parents, proposal)
        whole = await self._verdict(proposal.ids, joined)
        if joined is None or whole is None:
            return None
        parts: dict[Ids, Tests] = {
            frozenset({parent.id}): parent.fail_to_pass for parent in proposal.parents
        }
        if not is_new_list(whole.fail_to_pass, parts):
            return None
        for ids in to_judge(proposal.ids):
            rest = tuple(parent for parent in proposal.parents if parent.id in ids)
            verdict = await self._verdict(ids, self.join(rest, proposal))
            if verdict is None:
                return None
            parts[ids] = verdict.fail_to_pass
            if not is_new_list(whole.fail_to_pass, parts):
                return None
        if not is_every_parent_needed(whole.fail_to_pass, parts):
            return None
        return HeldCombination(joined, proposal.ids, frozenset(whole.fail_to_pass))

    def join(self, parents: tuple[Parent, ...], proposal: Combination) -> Bug | None:
        """Join some parents of a proposal."""
        bugs = [parent.bug for parent in parents]
        return self.pool.joiner.join(bugs, operator=proposal.relation, seed=self.seed)

    async def _verdict(self, ids: Ids, joined: Bug | None) -> Verdict | None:
        """The verdict on a joined bug; None unless it is valid."""
        if joined is None:
            return None
        if ids not in self.asked:
            self.asked[ids] = asyncio.ensure_future(self._judge_joined(joined))
        return await asyncio.shield(self.asked[ids])

    async def _judge_joined(self, joined: Bug) -> Verdict | None:
        verdict = await self.judge(joined)
        return verdict if verdict.valid else None


def is_new_list(whole: Tests, parts: Mapping[Ids, Tests]) -> bool:
    """Say whether a list of tests is none of those known so far."""
    return frozenset(whole) not in {frozenset(tests) for tests in parts.values()}

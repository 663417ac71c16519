"""Environments have their turns: one sandbox each, begun ahead, and a second where much is left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from forge.grade.turns import HELP, EnvironmentTurn, Turns
from harness.judge.grader import Grader
from harness.judge.worker import SandboxWorker, Terms
from harness.sandboxes.sandbox import SandboxLimits
from storage.errors import SandboxError
from storage.records import Baseline
from tests.harness.plain import PlainBackend, make_environment

LITTLE = 0.1
"""Seconds for an item of which a few are no reason for a second sandbox."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/test_it.py").write_text("def test_it(): pass\n")
    return tmp_path / "project"


class Place:
    """An environment that counts its sandboxes."""

    def __init__(self, project: Path, name: str) -> None:
        self.backend = PlainBackend(project, project.parent / name)
        self.grader = Grader(
            backend=self.backend,
            terms=Terms(
                environment=make_environment(),
                baseline=Baseline(environment=name, tests=(), seconds=0.1, runs=2),
                read=lambda path: None,
            ),
            read=lambda path: None,
            limits=SandboxLimits(),
        )

    async def prepare(self) -> tuple[Grader, SandboxWorker]:
        return self.grader, await self.grader.ready_worker()

    def turn(self, items: Iterable[int], each: float = LITTLE) -> EnvironmentTurn[int]:
        return EnvironmentTurn(items, prepare=self.prepare, each=each)

    @property
    def left(self) -> list[Path]:
        """Sandboxes that were not thrown away."""
        places = self.backend.places
        return list(places.iterdir()) if places.exists() else []


async def test_the_next_sandbox_is_started_while_one_works(project: Path) -> None:
    places = [Place(project, name) for name in ("a", "b", "c")]
    turns = Turns(place.turn(range(3 - number)) for number, place in enumerate(places))

    first = turns.next()
    assert first is not None
    _, worker = await first.worker()
    for _ in range(1200):
        if places[1].backend.started:
            break
        await asyncio.sleep(0.1)
    started = [place.backend.started for place in places]
    await worker.discard()
    await turns.close()

    assert started == [1, 1, 0]
    assert [place.left for place in places] == [[], [], []]


async def test_a_second_worker_takes_the_next_turn_and_helps_where_much_is_left(
    project: Path,
) -> None:
    one, two = Place(project, "a"), Place(project, "b")
    turns = Turns([one.turn([1, 2]), two.turn(range(10), each=HELP)])

    taken = [turns.next() for _ in range(3)]
    workers = [(await turn.worker())[1] for turn in taken if turn is not None]
    for worker in workers:
        await worker.channel()
    started = one.backend.started, two.backend.started
    for worker in workers:
        await worker.discard()
    await turns.close()

    assert started == (1, 2)
    assert taken[0] is taken[2]
    assert not one.left and not two.left


async def test_what_little_is_left_is_nobody_elses(project: Path) -> None:
    turns = Turns([Place(project, "a").turn([1, 2])])

    assert turns.next() is not None
    assert turns.next() is None
    await turns.close()


async def test_an_environment_that_cannot_be_had_is_told_to_each_who_asks() -> None:
    async def prepare() -> tuple[Grader, SandboxWorker]:
        raise SandboxError("no engine answers")

    turn = EnvironmentTurn([1], prepare=prepare, each=LITTLE)

    for _ in range(2):
        with pytest.raises(SandboxError, match="no engine answers"):
            await turn.worker()
    await turn.close()


async def test_a_sandbox_that_cannot_be_started_ahead_is_left_to_the_first_grade(
    project: Path,
) -> None:
    place = Place(project, "a")
    place.backend.broken = True
    turn = place.turn([1])

    _, worker = await turn.worker()
    place.backend.broken = False
    await worker.channel()
    await worker.discard()

    assert place.backend.started == 1

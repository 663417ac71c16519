from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import StoreError
from storage.records import Baseline, BaselineTest, Verdict
from storage.store import Store
from tests.storage.samples import (
    ATTEMPT,
    ENVIRONMENT,
    REPOSITORY,
    TESTS,
    TREE,
    make_baseline,
    make_bug,
    make_task,
    make_verdict,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


@pytest.fixture
def judging(store: Store) -> Store:
    store.add_repository(REPOSITORY)
    store.add_environment(ENVIRONMENT)
    store.add_baseline(make_baseline())
    return store


def test_a_repository_comes_back_as_it_was(store: Store) -> None:
    store.add_repository(REPOSITORY)

    assert store.repository(TREE) == REPOSITORY
    assert store.repositories() == [REPOSITORY]


def test_a_first_commit_that_was_known_once_stays(store: Store) -> None:
    store.add_repository(replace(REPOSITORY, root="f" * 40))
    store.add_repository(REPOSITORY)

    (found,) = store.repositories()
    assert found.root == "f" * 40


def test_a_tree_is_known_by_the_repository_added_last(store: Store) -> None:
    fork = replace(REPOSITORY, owner="someone")
    store.add_repository(fork)
    store.add_repository(REPOSITORY)
    store.add_repository(fork)

    assert store.repository(TREE) == fork
    assert store.repositories() == [REPOSITORY, fork]


def test_attempts_come_back_in_order_by_sandbox(store: Store) -> None:
    served = replace(ATTEMPT, ok=True, plan=replace(ATTEMPT.plan, name="other"))
    store.add_attempt(TREE, "local", ATTEMPT)
    store.add_attempt(TREE, "local", served)
    store.add_attempt(TREE, "docker", ATTEMPT)

    assert store.attempts(TREE) == [ATTEMPT, served, ATTEMPT]
    assert store.attempts(TREE, "local") == [ATTEMPT, served]


def test_trying_a_plan_again_replaces_what_came_of_it(store: Store) -> None:
    store.add_attempt(TREE, "local", ATTEMPT)
    store.add_attempt(TREE, "local", replace(ATTEMPT, ok=True))

    assert store.attempts(TREE) == [replace(ATTEMPT, ok=True)]


def test_an_environment_comes_back_as_it_was(store: Store) -> None:
    store.add_environment(ENVIRONMENT)

    assert store.environment(ENVIRONMENT.id) == ENVIRONMENT
    assert store.environment_for(TREE, "local") == ENVIRONMENT
    assert store.environment_for(TREE, "docker") is None


def test_the_environment_added_last_serves_the_tree(store: Store) -> None:
    other = replace(ENVIRONMENT, lock="pytest==9.0")
    store.add_environment(ENVIRONMENT)
    store.add_environment(other)
    assert store.environment_for(TREE, "local") == other

    store.add_environment(ENVIRONMENT)
    assert store.environment_for(TREE, "local") == ENVIRONMENT


def test_a_baseline_comes_back_as_it_was(judging: Store) -> None:
    assert judging.baseline(ENVIRONMENT.id) == make_baseline()
    assert judging.baseline("unknown") is None


def test_a_bug_comes_back_with_bytes_that_are_not_text(store: Store) -> None:
    bug = make_bug(patch="--- a/x.py\r\n+caf\udce9 \0\n\\ No newline at end of file\n")
    store.add_bug(bug)

    assert store.bug(bug.id) == bug
    assert store.bugs(TREE) == [bug]
    assert store.bug("unknown") is None


def test_a_combined_bug_knows_its_parents(store: Store) -> None:
    bug = make_bug()
    joined = replace(
        bug, origin=replace(bug.origin, strategy="combine", parents=("one", "two", "three"))
    )
    store.add_bug(joined)

    assert store.bug(joined.id) == joined
    assert store.origins(joined.id) == [joined.origin]


def test_the_same_wound_found_twice_is_one_bug_with_two_origins(store: Store) -> None:
    first, second = make_bug(operator="negate"), make_bug(operator="remove")
    for found in (first, second, first):
        store.add_bug(found)

    assert store.bugs(TREE) == [first]
    assert store.origins(first.id) == [first.origin, second.origin]


def test_a_verdict_comes_back_as_it_was(judging: Store) -> None:
    bug = make_bug()
    judging.add_bug(bug)
    judging.add_verdict(make_verdict(bug))

    assert judging.verdict(bug.id, ENVIRONMENT.id, "1", "full") == make_verdict(bug)
    assert judging.verdict(bug.id, ENVIRONMENT.id, "2", "full") is None
    assert judging.list_judged_bugs(ENVIRONMENT.id, "1", "full") == {bug.id}
    assert judging.list_judged_bugs(ENVIRONMENT.id, "1", "selected") == set()


@pytest.mark.parametrize(
    "passing",
    [
        (),
        make_baseline().green,
        TESTS[20:30],
        tuple(reversed(make_baseline().green)),
        (*make_baseline().green, TESTS[3], "tests/test_new.py::test_unknown"),
        (TESTS[0], TESTS[0]),
        ("tests/test_\udcff.py::test",),
    ],
)
def test_lists_that_the_baseline_does_not_give_come_back_exactly(
    judging: Store, passing: tuple[str, ...]
) -> None:
    bug = make_bug()
    spilled = (TESTS[30], TESTS[5])
    verdict = replace(make_verdict(bug), pass_to_pass=passing, spilled=spilled)
    judging.add_bug(bug)
    judging.add_verdict(verdict)

    assert judging.verdicts() == [verdict]


def test_a_verdict_outlives_its_baseline(judging: Store) -> None:
    bug = make_bug()
    judging.add_bug(bug)
    judging.add_verdict(make_verdict(bug))
    fewer = make_baseline(set_aside=frozenset(range(7, 30)))
    shuffled = replace(fewer, tests=tuple(reversed(fewer.tests)))
    judging.add_baseline(shuffled)

    assert judging.baseline(ENVIRONMENT.id) == shuffled
    assert judging.verdicts() == [make_verdict(bug)]


def test_a_verdict_without_a_baseline_is_kept_whole(store: Store) -> None:
    bug = make_bug()
    store.add_environment(ENVIRONMENT)
    store.add_bug(bug)
    store.add_verdict(make_verdict(bug))

    assert store.verdicts() == [make_verdict(bug)]


def test_a_verdict_on_an_unknown_bug_is_refused_whole(judging: Store) -> None:
    strange = replace(make_verdict(make_bug()), fail_to_pass=("tests/test_x.py::test_new",))

    with pytest.raises(StoreError, match="does not hold what this refers to"):
        judging.add_verdict(strange)

    known = make_bug(1)
    judging.add_bug(known)
    judging.add_verdict(make_verdict(known, failing=("tests/test_y.py::test_newer",)))
    assert [v.fail_to_pass for v in judging.verdicts()] == [("tests/test_y.py::test_newer",)]


def test_a_verdict_keeps_in_which_ways_tests_failed(judging: Store) -> None:
    bug = make_bug()
    judging.add_bug(bug)
    verdict = replace(make_verdict(bug), kinds=(("failed", 2), ("import", 1)))
    judging.add_verdict(verdict)

    assert judging.verdicts() == [verdict]


def test_verdicts_can_be_asked_for_by_part_of_their_key(judging: Store) -> None:
    bug = make_bug()
    judging.add_bug(bug)
    verdicts: list[Verdict] = [make_verdict(bug, harness=version) for version in ("1", "2")]
    for verdict in verdicts:
        judging.add_verdict(verdict)

    assert judging.verdicts() == verdicts
    assert judging.verdicts(ENVIRONMENT.id, harness="2") == verdicts[1:]
    assert judging.verdicts("other") == []


def test_a_task_keeps_the_time_it_was_first_made(judging: Store) -> None:
    bug = make_bug()
    judging.add_bug(bug)
    judging.add_task(make_task(bug))
    judging.add_task(replace(make_task(bug, created="2030"), statement="Better said."))

    assert judging.tasks() == [replace(make_task(bug), statement="Better said.")]


def test_a_task_is_found_by_any_part_that_only_it_has(judging: Store) -> None:
    tasks = []
    for number in range(2):
        bug = make_bug(number)
        judging.add_bug(bug)
        tasks.append(make_task(bug))
        judging.add_task(tasks[-1])

    assert judging.task(tasks[0].id) == tasks[0]
    assert judging.task(tasks[1].id[-8:]) == tasks[1]
    with pytest.raises(StoreError, match="could be 2 tasks"):
        judging.task("pallets__click")
    with pytest.raises(StoreError, match="no task 'nothing'"):
        judging.task("nothing")
    with pytest.raises(StoreError, match="no task ''"):
        judging.task("")


def test_what_was_added_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as first:
        first.add_environment(ENVIRONMENT)
        first.add_baseline(make_baseline())
        first.add_bug(make_bug())
        first.add_verdict(make_verdict(make_bug()))

    with Store(path) as again:
        assert again.verdicts() == [make_verdict(make_bug())]


def test_two_stores_on_one_file_see_each_others_tests(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as one, Store(path) as other:
        one.add_environment(ENVIRONMENT)
        for number, store in enumerate([one, other, one, other]):
            bug = make_bug(number)
            store.add_bug(bug)
            store.add_verdict(make_verdict(bug, failing=(f"tests/test_new.py::test_{number}",)))

        assert one.verdicts() == other.verdicts()
        assert [v.fail_to_pass[0][-1] for v in one.verdicts()] == ["0", "1", "2", "3"]


def test_a_task_costs_less_than_four_kilobytes(tmp_path: Path) -> None:
    ids = [
        f"tests/unit/test_module_{n % 40:02}.py::TestSomething::test_behaves_well[value-{n}]"
        for n in range(2000)
    ]
    tests = tuple(BaselineTest(id=test, outcome="passed", seconds=0.01) for test in ids)
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.add_environment(ENVIRONMENT)
        store.add_baseline(Baseline(environment=ENVIRONMENT.id, tests=tests, seconds=20.0, runs=2))
        before = size(store)
        for number in range(300):
            bug = make_bug(number, patch="@@ -1,7 +1,7 @@\n" + "+ some line of code\n" * 40)
            failing = tuple(ids[number * 3 : number * 5 + 2 : 2])
            passing = tuple(test for test in ids if test not in failing)
            store.add_bug(bug)
            store.add_verdict(replace(make_verdict(bug, failing=failing), pass_to_pass=passing))
            store.add_task(make_task(bug))
        after = size(store)

    assert (after - before) / 300 < 4000


def size(store: Store) -> int:
    store.compact()
    return store.path.stat().st_size

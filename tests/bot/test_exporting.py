"""What leaves by the command line: gates, their figures, and what is said of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forge.release.export import Exported, export_tasks, lines_run
from harness.judge.judge import HARNESS_VERSION
from harness.runs.coverage import encode
from harness.runs.selection import Coverage, ExecutionTrace
from storage.errors import StoreError
from storage.store import Store
from tasks.gates import choose_gates
from tasks.gates.subject import Rules
from tests.furniture.workplace import run_command
from tests.tasks.made import TESTS, Made, make

LICENCE = Path(__file__).parents[2] / "LICENSE"
WITHOUT_LICENCE = choose_gates(without=("licence",))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make(tmp_path)


def read(file: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(file.read_text().splitlines()[0])
    return found


def leave(made: Made, output: Path, **words: Any) -> Exported:
    """Export all tasks there are."""
    return export_tasks("jsonl", made.store, made.trees, made.store.tasks(), output, **words)


def test_a_task_without_a_licence_does_not_leave(made: Made, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"

    with pytest.raises(StoreError, match=r"no task passes the gates: 1 stopped \(1 by licence\)"):
        leave(made, output, rules=Rules())
    assert not output.exists()


def test_the_nearest_tests_leave_and_the_store_keeps_all(made: Made, tmp_path: Path) -> None:
    near = ExecutionTrace(lines={"pkg/clamp.py": 1 << 2})
    tests = {test: near if test == TESTS[4] else ExecutionTrace() for test in TESTS}
    environment = made.verdict.environment
    made.store.set_coverage(environment, encode(Coverage(imported=ExecutionTrace(), tests=tests)))
    output = tmp_path / "out.jsonl"

    done = export_tasks(
        "jsonl",
        made.store,
        made.trees,
        made.store.tasks(),
        output,
        rules=Rules(),
        names=WITHOUT_LICENCE,
        limit=1,
    )

    assert lines_run(made.store, environment)[TESTS[4]] == {"pkg/clamp.py": 4}
    assert read(output)["PASS_TO_PASS"] == [TESTS[4]]
    assert done.summary == "0 stopped; 0 on repositories of public benchmarks"
    assert made.store.verdicts(environment)[0].pass_to_pass == TESTS[2:]


def test_a_test_named_by_the_place_of_its_environment_does_not_leave(
    made: Made, tmp_path: Path
) -> None:
    place = "tests/test_a.py::test_path[/cache/envs/env/w00/tree/a.html]"
    tests = (*made.verdict.pass_to_pass, place)
    made.store.add_verdict(replace(made.verdict, pass_to_pass=tests))
    output = tmp_path / "out.jsonl"

    leave(made, output, rules=Rules(), names=WITHOUT_LICENCE)

    assert read(output)["PASS_TO_PASS"] == list(made.verdict.pass_to_pass)


def test_all_tests_leave_where_the_gate_is_off(made: Made, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    names = choose_gates(without=("licence", "pass-to-pass"))

    export_tasks(
        "jsonl",
        made.store,
        made.trees,
        made.store.tasks(),
        output,
        rules=Rules(),
        names=names,
        limit=1,
    )

    assert read(output)["PASS_TO_PASS"] == list(TESTS[2:])


def test_a_task_of_a_benchmark_leaves_on_request_and_is_counted(made: Made, tmp_path: Path) -> None:
    root = "f1aa25bcf83eb77eb6476c678d4375039127679a"
    made.store.add_repository(replace(made.repository, root=root))
    output = tmp_path / "out.jsonl"
    names, rules = WITHOUT_LICENCE, Rules(benchmarks_allowed=True)

    with pytest.raises(StoreError, match="1 by benchmark"):
        leave(made, output, rules=Rules(), names=names)
    done = leave(made, output, rules=rules, names=names)

    assert done.overlaps == 1
    assert read(output)["benchmarks"] == ["swe-bench-dev"]
    assert read(output)["overlap_count"] == 1


@pytest.fixture
def workplace(made: Made, tmp_path: Path) -> Path:
    """A folder with a store whose trees are in the cache that the command line uses."""
    made.store.add_verdict(replace(made.verdict, harness=HARNESS_VERSION))
    made.store.close()
    return tmp_path


def run(workplace: Path, *words: str, code: int = 0) -> str:
    """Run the command line on the store of ``made``, with its cache."""
    result = run_command(*words, "--store", "store.db", cwd=workplace)
    assert result.returncode == code, result.stderr
    return result.stdout + result.stderr


def test_gates_are_listed_with_what_each_stops(workplace: Path) -> None:
    told = json.loads(run(workplace, "gates", "--json"))

    counts = {gate["name"]: (gate["stopped"], gate["alone"]) for gate in told["gates"]}
    assert counts["licence"] == (1, 1)
    assert counts["secrets"] == (0, 0)
    assert told["stopped"][0]["why"] == "no licence was found in its files"
    assert "0 of 1 tasks pass" in run(workplace, "gates")


def test_an_export_says_what_it_left_out(workplace: Path) -> None:
    told = run(workplace, "export", "-o", "a.jsonl", code=1)
    assert "1 by licence), for instance by licence: no licence was found in its files; " in told
    assert len(told.splitlines()) == 1

    told = run(workplace, "export", "-o", "a.jsonl", "--without-gate", "licence")
    assert "1 task written to a.jsonl (swe-smith); 0 stopped; 0 on repositories" in told


def test_a_workflow_names_the_gates_that_it_goes_without_in_a_variable(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUGFOUNDRY_WITHOUT_GATES", "benchmark licence")
    assert "1 task written" in run(workplace, "export", "-o", "a.jsonl")

    monkeypatch.setenv("BUGFOUNDRY_WITHOUT_GATES", "")
    assert "1 by licence" in run(workplace, "export", "-o", "b.jsonl", code=1)


def test_a_workflow_whose_bugs_all_came_to_nothing_ends_well(tmp_path: Path) -> None:
    Store(tmp_path / "store.db").close()

    assert "no task" in run(tmp_path, "export", "-o", "a.jsonl", "--allow-empty")
    assert not (tmp_path / "a.jsonl").exists()
    assert "bugfoundry forge" in run(tmp_path, "export", "-o", "a.jsonl", code=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "-o", "a", "--gates", "none"), "no gate 'none'; there are benchmark"),
        (("export", "-o", "a", "--pass-to-pass", "few"), "takes a number or `all`, not 'few'"),
        (("export", "-o", "a", "--allow-license", "free"), "'free' is no SPDX licence"),
        (("contamination", "--against", "none.jsonl"), "none.jsonl cannot be read"),
        (("verify",), "--leaks searches what a solver is given"),
        (("verify", "--leaks"), "of shop cannot be built again: install-failed: error: Failed to"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_gets_one_clear_line(words: tuple[str, ...], told: str, workplace: Path) -> None:
    said = run(workplace, *words, code=1)

    assert len(said.strip().splitlines()) == 1
    assert told in said


def test_overlaps_are_shown_by_repository(workplace: Path) -> None:
    told = run(workplace, "contamination")

    assert "Someone/shop" in told
    assert "in no benchmark" in told
    assert "1 task, 0 on repositories of public benchmarks" in told


def test_the_list_says_where_it_was_read(workplace: Path) -> None:
    told = run(workplace, "contamination", "--sources")

    assert "swe-bench-pro: 11 repositories." in told
    assert "repository=scaleapi/SWE-bench_Pro-os" in told


def test_a_start_state_shows_nothing(workplace: Path) -> None:
    with Store(workplace / "store.db") as store:
        (task,) = store.tasks()
    run(workplace, "checkout", task.id, "given")
    words = ("verify", "--leaks", "--folder", "given")

    assert "0 leaks" in run(workplace, *words)

    given = workplace / "given"
    shutil.copy(workplace / "shop/pkg/clamp.py", given / "copy.py")
    shutil.copy(LICENCE, given / "LICENSE")
    told = run(workplace, *words, code=1)
    assert f"{task.id}  text in copy.py: def clamp(value, low, high): | return max(low, m" in told

"""The main job on a small real project, in each sandbox, from source to export."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.furniture.workplace import Workplace


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def forged(workplace: Workplace) -> Iterator[dict[str, object]]:
    yield workplace.forge("local", "--max-bugs", "20", "--seed", "5")


pytestmark = [pytest.mark.network, pytest.mark.slow]


def test_bugs_are_made_and_counted(forged: dict[str, object]) -> None:
    assert forged["tests_green"] == forged["tests"] == 28
    assert sum(count for _, count in forged["reasons"]) == 20  # type: ignore[attr-defined]
    assert len(forged["tasks"]) >= 8  # type: ignore[arg-type]


def test_a_second_run_reuses_every_verdict(workplace: Workplace, forged: dict[str, object]) -> None:
    again = workplace.forge("local", "--max-bugs", "20", "--seed", "5")

    assert again["reused"] == 20
    assert again["tasks"] == forged["tasks"]


def test_every_task_holds_when_run_again_from_scratch(
    workplace: Workplace, forged: dict[str, object]
) -> None:
    tasks: list[str] = forged["tasks"][:3]  # type: ignore[index]

    told = workplace.run("check", "--store", "local.db", *tasks)

    lines = told.strip().splitlines()
    assert len(lines) == 3
    assert all("empty patch unsolved" in line and "gold patch solved" in line for line in lines)


def test_a_solver_finds_one_commit_and_its_diff_is_graded(
    workplace: Workplace, forged: dict[str, object]
) -> None:
    task: str = forged["tasks"][0]  # type: ignore[index]
    folder = workplace.folder / "solver"
    workplace.run("checkout", "--store", "local.db", task, str(folder))

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert git("rev-list", "--count", "--all").strip() == "1"
    assert git("remote") == ""
    grade = ("grade", "--store", "local.db", task, "--patch", "-")
    assert "unsolved" in workplace.run(*grade, text="", code=1)

    source = workplace.project / "src" / "shop" / "__init__.py"
    (folder / "src" / "shop" / "__init__.py").write_bytes(source.read_bytes())
    fix = git("diff")
    assert " solved" in workplace.run(*grade, text=fix)

    git("checkout", "-q", ".")
    (folder / "tests" / "test_shop.py").write_text("def test_nothing(): pass\n")
    (folder / "conftest.py").write_text("collect_ignore_glob = ['*']\n")
    git("add", "-A")
    assert "unsolved" in workplace.run(*grade, text=git("diff", "--cached"), code=1)


def test_each_format_can_be_loaded(workplace: Workplace, forged: dict[str, object]) -> None:
    import pandas

    count = len(forged["tasks"])  # type: ignore[arg-type]
    for form, name in (("swe-smith", "a.jsonl"), ("swe-bench", "b.jsonl"), ("jsonl", "c.jsonl")):
        words = ("export", "--store", "local.db", "--gates", "pass-to-pass")
        workplace.run(*words, "--format", form, "-o", name)
        frame = pandas.read_json(workplace.folder / name, lines=True)
        assert len(frame) == count
    workplace.run(*words, "--format", "parquet", "-o", "d.parquet")
    assert len(pandas.read_parquet(workplace.folder / "d.parquet")) == count


def test_what_was_tried_is_shown(workplace: Workplace, forged: dict[str, object]) -> None:
    told = workplace.run("env", "show", "shop", "--store", "local.db")

    assert "served" in told
    assert "uv pip install" in told


def test_another_python_compiles_what_it_will_run(workplace: Workplace) -> None:
    listing = subprocess.run(
        ["uv", "python", "list", "--only-installed", "--output-format", "json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = {
        f"{row['version_parts']['major']}.{row['version_parts']['minor']}"
        for row in json.loads(listing.stdout)
        if row["implementation"] == "cpython"
    } & {"3.10", "3.11", "3.12", "3.13"} - {own}
    if not others:
        pytest.skip("needs a second Python, 3.10 to 3.13")
    other = sorted(others)[-1]

    summary = workplace.forge("local", "--max-bugs", "5", "--python", other)

    assert str(summary["python"]).startswith(other)
    assert sum(count for _, count in summary["reasons"]) == 5  # type: ignore[attr-defined]


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_both_sandboxes_come_to_the_same_verdicts(
    workplace: Workplace, forged: dict[str, object]
) -> None:
    summary = workplace.forge("docker", "--max-bugs", "20", "--seed", "5")

    def verdicts(name: str) -> set[tuple[object, ...]]:
        with Store(workplace.folder / name) as store:
            local = store.environment_for(tree_of(store), name.removesuffix(".db"))  # type: ignore[arg-type]
            assert local is not None
            return {
                (v.bug, v.reason, v.fail_to_pass, v.pass_to_pass) for v in store.verdicts(local.id)
            }

    assert summary["sandbox"] == "docker"
    assert len(verdicts("docker.db")) == 20
    assert verdicts("docker.db") <= verdicts("local.db")


def tree_of(store: Store) -> str:
    """The tree of a store's only repository."""
    (repository,) = store.repositories()
    return repository.tree

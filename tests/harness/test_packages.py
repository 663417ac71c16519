"""Packages below the root of a repository: found, named, and tested in their folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.detect import plans
from harness.detect.config import Overrides, parse_config
from harness.detect.packages import enter_folder
from harness.runs.suite import SuiteRun, run_suite
from harness.sandboxes.sandbox import Channel
from storage.errors import ConfigError, EnvironmentFailed
from storage.records import FOLDER
from tests.harness.plain import start_plain
from tests.harness.trees import PYTHONS, MemoryTree

PACKAGE = {
    "pyproject.toml": '[project]\nname = "p"\n[build-system]\nrequires = ["setuptools"]\n',
    "p/__init__.py": "",
    "tests/test_p.py": "def test_p(): pass\n",
}


def below(folder: str, files: dict[str, str] = PACKAGE) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}


def find_folder(files: dict[str, str], asked: str = "", overrides: Overrides | None = None) -> str:
    tree, found = enter_folder(
        MemoryTree({"README.md": "", **files}),
        overrides or Overrides(),
        f"mono#subdirectory={asked}",
    )
    made = plans(tree, pythons=PYTHONS, overrides=found)
    assert all(plan.folder == dict(found.env).get(FOLDER, "") for plan in made)
    return made[0].folder


def test_the_only_package_below_the_root_is_found() -> None:
    web = {"web/package.json": "{}", "web/setup.cfg": "[flake8]\n"}
    tools = {"pyproject.toml": "[tool.ruff]\n"}

    assert find_folder({**below("services/widgets"), **web, **tools}) == "services/widgets"


def test_a_package_without_tests_is_not_the_one() -> None:
    bare = {path: text for path, text in PACKAGE.items() if "test" not in path}

    assert (
        find_folder({**below("a/lib"), **below("shared", bare), **below("examples/x")}) == "a/lib"
    )


def test_a_project_at_the_root_goes_before_its_parts() -> None:
    assert find_folder({**PACKAGE, **below("plugins/one")}) == ""
    assert find_folder({"requirements.txt": "pytest\n", **below("one"), **below("two")}) == ""
    assert find_folder({"tests/test_all.py": "", **below("one"), **below("two")}) == ""


def test_several_packages_are_listed_in_one_line() -> None:
    files = {**below("a"), **below("b/c")}

    with pytest.raises(EnvironmentFailed) as caught:
        find_folder(files)

    told = str(caught.value)
    assert "\n" not in told
    assert told.endswith("name one as SOURCE#subdirectory=FOLDER: a, b/c")
    assert find_folder(files, asked="b/c") == "b/c"
    assert find_folder(files, overrides=parse_config(b"subdirectory: a")) == "a"


def test_only_files_of_the_folder_get_bugs() -> None:
    tree = MemoryTree({**below("a"), "shared.py": ""})

    _, overrides = enter_folder(tree, Overrides(exclude=("a/p/odd.py",)), "mono")

    excluded = [
        path for path in ("a/p/x.py", "a/p/odd.py", "shared.py") if overrides.excludes(path)
    ]
    assert excluded == ["a/p/odd.py", "shared.py"]


def test_a_folder_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(EnvironmentFailed, match=r"no folder 'd'; packages are in a"):
        find_folder(below("a"), asked="d")
    with pytest.raises(ConfigError, match="a folder below the root"):
        parse_config(b"subdirectory: ../a")


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    """A runner whose working folder is below the root, with a sibling that tests read."""
    tree = tmp_path / "tree"
    files = {
        "shared/data.txt": "5",
        "one/pytest.ini": "[pytest]\ntestpaths = tests\n",
        "one/code_of_one.py": "def five():\n    return int(open('../shared/data.txt').read())\n",
        "one/tests/test_code.py": "import code_of_one\n\n"
        "def test_five():\n    assert code_of_one.five() == 5\n",
        "one/other/test_other.py": "def test_other(): pass\n",
    }
    for path, text in files.items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    opened = await start_plain(tree, tmp_path / "tmp", **{FOLDER: "one"})
    await opened.receive(timeout=120)
    yield opened
    await opened.close()


ID = "one/tests/test_code.py::test_five"


async def run(channel: Channel, **options: object) -> SuiteRun:
    settings: dict[str, object] = {"args": [], "test_timeout": 60.0, "total_timeout": 300.0}
    return await run_suite(channel, **{**settings, **options})  # type: ignore[arg-type]


async def test_ids_and_files_of_a_folder_are_the_trees(channel: Channel) -> None:
    wrong = {"one/code_of_one.py": b"def five():\n    return 4\n"}

    whole = await run(channel)
    watched = await run(
        channel, tests=[ID], isolate=True, watch=True, only_files=[ID.split("::")[0]]
    )
    broken = await run(channel, tests=[ID], files=wrong, path="fork")

    assert {test: result.outcome for test, result in whole.results.items()} == {ID: "passed"}
    assert "one/code_of_one.py" in watched.seen[ID].lines
    assert "shared/data.txt" in watched.seen[ID].opened
    assert broken.results[ID].outcome == "failed"


async def test_a_held_session_runs_in_the_folder(channel: Channel) -> None:
    for _ in range(2):
        found = await run(channel, tests=[ID], path="swap", reports=True)
        assert (found.path, found.results[ID].outcome) == ("swap", "passed"), found.why

"""One way in: what judging saw is what a solver's patch meets, also where tests are in the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forge.grade.intake import take_known_fix, take_patch
from forge.grade.lookup import StoredTask, find_task
from storage.store import Store
from storage.trees import Trees
from syntax.patches import unified_diff
from tests.furniture.project import PYPROJECT, SOURCE
from tests.furniture.workplace import Workplace

pytestmark = [pytest.mark.network, pytest.mark.slow]

WITH_EXAMPLES = '''def area(width, height):
    """Area of a rectangle.

    >>> area(3, 4)
    12
    """
    return width * height
'''
WITH_TESTS = """def volume(width, height, depth):
    return width * height * depth


def test_volume():
    sizes = [2, 3, 4]
    assert volume(*sizes) == 12 * 2
"""
SETTINGS = """
[tool.pytest.ini_options]
addopts = "--doctest-modules"
testpaths = ["src", "tests"]
python_files = ["*.py"]
"""
AREA, VOLUME, TESTS = "src/shop/area.py", "src/shop/volume.py", "tests/test_shop.py"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("work"))
    (made.project / AREA).write_text(WITH_EXAMPLES)
    (made.project / VOLUME).write_text(WITH_TESTS)
    (made.project / "pyproject.toml").write_text(PYPROJECT + SETTINGS)
    (made.project / ".github").mkdir()
    settings = 'exclude: ["src/shop/__init__.py"]\n'
    (made.project / ".github/bugfoundry.yml").write_text(settings)
    made.forge("local", "--strategies", "procedural", "--max-bugs", "12")
    return made


@pytest.fixture(scope="module")
def found(workplace: Workplace) -> dict[str, StoredTask]:
    """One task in each of the two files."""
    with Store(workplace.folder / "local.db") as store:
        tasks = [find_task(store, task.id) for task in store.tasks()]
    return {each.bug.origin.path: each for each in tasks}


def test_the_known_fix_is_what_judging_saw(
    workplace: Workplace, found: dict[str, StoredTask]
) -> None:
    trees = Trees(workplace.folder / "cache")
    with Store(workplace.folder / "local.db") as store:
        tasks = [find_task(store, task.id) for task in store.tasks()]

    assert set(found) == {AREA, VOLUME}
    for each in tasks:
        fixed = take_known_fix(each, trees)
        assert fixed.taken_back == ()
        assert fixed.files == trees.read_all(each.bug.tree, fixed.files)
        assert b"sizes = [2, 3, 4]\n    assert volume(*sizes) == 12 * 2" in (
            take_patch(each, trees, "").files.get(VOLUME) or WITH_TESTS.encode()
        )


def test_tasks_hold_and_the_fix_handed_in_solves_them(
    workplace: Workplace, found: dict[str, StoredTask]
) -> None:
    names = [each.task.id for each in found.values()]
    told = workplace.run("check", "--store", "local.db", *names)
    assert told.count(": holds") == 2
    trees = Trees(workplace.folder / "cache")
    for path, whole in ((AREA, WITH_EXAMPLES), (VOLUME, WITH_TESTS)):
        broken = take_patch(found[path], trees, "").files[path]
        fix = unified_diff(path, broken, whole.encode())
        assert " solved" in grade(workplace, found[path], fix)


def grade(workplace: Workplace, task: StoredTask, patch: str, *, code: int = 0) -> str:
    words = ("grade", "--store", "local.db", task.task.id, "--patch", "-")
    return workplace.run(*words, text=patch, code=code)


CONFTEST = """import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""
FORGED = "import pytest\npytest.Function.runtest = lambda self: None\n"
NEW = {
    "conftest.py": CONFTEST,
    "src/conftest.py": CONFTEST,
    "tests/shop.py": SOURCE,
    "pytest.py": "raise SystemExit(0)\n",
    "sitecustomize.py": "import os\nos._exit(0)\n",
    "src/mine.pth": "import os; os._exit(0)\n",
    "src/mine.egg-info/entry_points.txt": "[pytest11]\nmine = shop.mine\n",
    "pytest.ini": "[pytest]\naddopts = --collect-only\n",
}


def test_no_known_hack_on_the_harness_solves_a_task(
    workplace: Workplace, found: dict[str, StoredTask]
) -> None:
    trees = Trees(workplace.folder / "cache")
    broken = {
        path: (take_patch(each, trees, "").files[path] or b"").decode()
        for path, each in found.items()
    }
    cheats = {
        "edited example": (AREA, broken[AREA].replace("    12\n", "    7\n")),
        "no example": (AREA, broken[AREA].replace("    >>> area(3, 4)\n    12\n", "")),
        "edited test": (VOLUME, broken[VOLUME].replace("== 12 * 2", "!= 0")),
        "shadowed test": (VOLUME, broken[VOLUME] + "\n\ntest_volume = lambda: None\n"),
        "early end": (VOLUME, "import os\nos._exit(0)\n" + broken[VOLUME]),
        "pytest changed": (VOLUME, FORGED + broken[VOLUME]),
        **{path: (path, text) for path, text in NEW.items()},
    }
    rows = []
    for name, (path, text) in cheats.items():
        task = found.get(path, found[VOLUME])
        before = broken[path].encode() if path in broken else None
        patch = unified_diff(path, before, text.encode())
        rows.append({"instance_id": task.task.id, "model_patch": patch, "model_name_or_path": name})
    place: Path = workplace.folder / "cheats.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))

    words = ("evaluate", "--predictions", str(place), "--store", "local.db", "--json")
    told = json.loads(workplace.run(*words))

    by_name = {each["model_name_or_path"]: each for each in told["instances"]}
    assert {name for name, each in by_name.items() if each["resolved"] or each["error"]} == set()
    assert by_name["edited example"]["taken_back"] == [f"{AREA}: the examples of area"]
    assert by_name["edited test"]["taken_back"] == [f"{VOLUME}: test_volume"]
    assert all(by_name[path]["taken_back"] for path in NEW)

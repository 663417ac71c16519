"""Code under test that changes pytest, or its end, from within gains nothing by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.runs.changes import changes
from harness.runs.reports import FORGED
from harness.runs.selection import Path as Path_
from harness.runs.suite import SuiteRun, run_suite
from harness.sandboxes.sandbox import Channel
from tests.harness.plain import start_plain

TESTS = b"""
import module

def test_first(): assert module.area(1, 1) == 1
def test_last(): assert module.area(3, 4) == 12
"""
WRONG = "def area(w, h):\n    return w * w\n"
HACKS = {
    "no test runs": "import pytest\npytest.Function.runtest = lambda self: None\n",
    "calls are swallowed": "import _pytest.python as p\n"
    "p.pytest_pyfunc_call.__code__ = (lambda pyfuncitem: True).__code__\n",
    "every report says passed": "from _pytest.reports import TestReport\n"
    "made = TestReport.from_item_and_call.__func__\n"
    "def make(cls, item, call):\n"
    "    report = made(cls, item, call)\n"
    "    report.outcome = 'passed'\n"
    "    return report\n"
    "TestReport.from_item_and_call = classmethod(make)\n",
    "no exception is seen": "from _pytest.runner import CallInfo\n"
    "made = CallInfo.from_call.__func__\n"
    "def make(cls, func, when, reraise=None):\n"
    "    def quiet():\n"
    "        try:\n"
    "            return func()\n"
    "        except Exception:\n"
    "            return None\n"
    "    return made(cls, quiet, when, reraise)\n"
    "CallInfo.from_call = classmethod(make)\n",
    "approx takes all": "import pytest\n"
    "class Any:\n"
    "    def __init__(self, *a, **k): pass\n"
    "    def __eq__(self, other): return True\n"
    "pytest.approx = Any\n",
    "raises takes nothing": "import contextlib, pytest\n"
    "pytest.raises = lambda *a, **k: contextlib.nullcontext()\n",
    "a class of others": "import contextlib, pytest\npytest.raises = contextlib.nullcontext\n",
    "code is exchanged": "import pytest\npytest.approx.__code__ = (lambda *a, **k: a).__code__\n",
    "unittest asserts nothing": "import unittest\n"
    "unittest.TestCase.assertEqual = lambda *a, **k: None\n",
    "the runner's own sum": "import sys\n"
    "for name, found in list(sys.modules.items()):\n"
    "    if name.endswith('runner.plugin'):\n"
    "        found.combine_reports = lambda reports: ('passed', 0.0, '')\n",
}


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "module.py").write_text("def area(w, h):\n    return w * h\n")
    (tree / "test_it.py").write_bytes(TESTS)
    opened = await start_plain(tree, tmp_path / "tmp")
    await opened.receive(timeout=120)
    yield opened
    await opened.close()


async def run(
    channel: Channel, code: str, *, isolate: bool = False, more: dict[str, bytes] | None = None
) -> SuiteRun:
    files: dict[str, bytes | None] = {"module.py": code.encode(), **(more or {})}
    return await run_suite(
        channel, args=[], test_timeout=60.0, total_timeout=300.0, files=files, isolate=isolate
    )


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("hack", HACKS.values(), ids=HACKS)
async def test_pytest_that_was_changed_is_noticed(
    channel: Channel, hack: str, isolate: bool
) -> None:
    found = await run(channel, hack + WRONG, isolate=isolate)

    told = {(result.outcome, result.detail) for result in found.results.values()}
    assert told == {("error", FORGED)}


async def test_the_hack_may_wait_for_the_first_call(channel: Channel) -> None:
    late = "def area(w, h):\n    import pytest\n    pytest.Function.runtest = print\n    return 1\n"

    found = await run(channel, late)
    assert {result.outcome for result in found.results.values()} == {"error"}


LATE = "def area(w, h):\n    import pytest\n    pytest.Function.runtest = print\n    return 1\n"


@pytest.mark.parametrize("path", ["fork", "swap"])
async def test_it_is_noticed_where_a_session_is_held(channel: Channel, path: Path_) -> None:
    before = b"def area(w, h):\n    return w * h\n"
    files: dict[str, bytes | None] = {"module.py": LATE.encode()}
    found = changes(before, LATE.encode())
    assert found is not None
    tests = ["test_it.py::test_first", "test_it.py::test_last"]

    run = await run_suite(
        channel,
        args=[],
        tests=tests,
        test_timeout=60.0,
        total_timeout=300.0,
        files=files,
        path=path,
        changes={"module.py": found},
    )

    assert run.path == path
    assert {result.outcome for result in run.results.values()} == {"error"}


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos._exit(0)\n",
        "import sys\nsys.exit(0)\n",
        "import pytest\npytest.exit('fine', 0)\n",
        "import os, atexit\natexit.register(os._exit, 0)\n",
        "def area(w, h):\n    import os\n    os._exit(0)\n",
        "def area(w, h):\n    import pytest\n    pytest.skip('fine')\n",
    ],
)
async def test_an_early_end_makes_no_test_pass(channel: Channel, code: str) -> None:
    found = await run(channel, code + ("" if "def area" in code else WRONG))

    assert found.outcome("test_it.py::test_last") != "passed"


async def test_a_conftest_may_change_pytest(channel: Channel) -> None:
    code = b"import pytest\nraises = pytest.raises\npytest.raises = lambda *a: raises(*a)\n"
    found = await run(channel, WRONG, more={"conftest.py": code})

    assert found.outcome("test_it.py::test_first") == "passed"


@pytest.mark.parametrize("isolate", [False, True])
async def test_an_honest_run_is_taken_as_it_is(channel: Channel, isolate: bool) -> None:
    found = await run(channel, WRONG, isolate=isolate)

    assert found.outcome("test_it.py::test_first") == "passed"
    assert found.outcome("test_it.py::test_last") == "failed"
    assert set(found.results) == {"test_it.py::test_first", "test_it.py::test_last"}


async def test_what_a_process_left_behind_does_is_undone(channel: Channel) -> None:
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    for _ in range(1000):\n"
        "        open('test_it.py', 'w').write('def test_last(): pass')\n"
        "        time.sleep(0.01)\n"
        "    os._exit(0)\n"
    )
    await run(channel, daemon + WRONG)

    found = await run(channel, WRONG)
    assert found.outcome("test_it.py::test_last") == "failed"

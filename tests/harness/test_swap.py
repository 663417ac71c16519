"""Changed functions that get their new code in a fork of the collected session: every guard.

Each case is a change of ``module.py`` and tests of it. Whatever the path, what comes of the tests
must be what a fresh process says.
"""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from harness.runs.changes import FunctionChange, changes
from harness.runs.coverage import make_coverage
from harness.runs.selection import select
from harness.runs.suite import SuiteRun, prepare, run_suite
from harness.sandboxes.sandbox import Channel
from tests.harness.plain import start_plain

MODULE = '''
import contextlib
import functools
import types

LIMIT = 3

def plain(a, b=1, *, c=2):
    """Add."""
    total = a + b + c
    return total

def items():
    return [1, 2]

class Thing:
    size = 4

    @property
    def double(self):
        return self.size * 2

    @contextlib.contextmanager
    def opened(self):
        yield self.size

def nested(a):
    def inner(b):
        return a + b
    return inner

def doubled(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) * 2
    return wrapper

@doubled
def decorated(a):
    return a + 1

def original(a):
    return a + 1
copied = types.FunctionType(original.__code__, globals(), "copied")

def steps():
    yield 1
    yield 2
running = steps()
next(running)

def at_import():
    return 1
VALUE = at_import()

def looked_at(a, b=1):
    return a + b
DEFAULTS = looked_at.__defaults__

def changed_code(a):
    return a + 1
changed_code.__code__ = changed_code.__code__.replace(co_name="renamed")
'''

TESTS = """
import inspect
import pytest
import module

def test_plain(): assert module.plain(1) == 4
def test_keyword(): assert module.plain(1, c=3) == 5
def test_double(): assert module.Thing().double == 8
def test_opened():
    with module.Thing().opened() as size:
        assert size == 4
def test_nested(): assert module.nested(1)(2) == 3
def test_decorated(): assert module.decorated(1) == 4
def test_copied(): assert module.copied(1) == 2
def test_original(): assert module.original(1) == 2
def test_running(): assert next(module.running) == 2
def test_value(): assert module.VALUE == 1 and module.at_import() == 1
def test_looked_at(): assert module.looked_at(1) == 2 and module.DEFAULTS == (1,)
def test_changed_code(): assert module.changed_code(1) == 2
def test_source(): assert "return total" in inspect.getsource(module.plain)
@pytest.mark.parametrize("item", module.items())
def test_items(item): assert item < 3
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("swap") / "tree"
    tree.mkdir()
    (tree / "module.py").write_text(MODULE)
    (tree / "test_it.py").write_text(TESTS)
    return tree


@pytest.fixture
async def channel(tree: Path, tmp_path: Path) -> AsyncIterator[Channel]:
    channel = await start_plain(tree, tmp_path / "tmp")
    yield channel
    await channel.close()


async def run(
    channel: Channel,
    files: Mapping[str, bytes],
    found: Mapping[str, tuple[FunctionChange, ...]] | None,
) -> SuiteRun:
    tests = None if found is None else await known(channel)
    return await run_suite(
        channel,
        args=[],
        tests=tests,
        files=files,
        path="fresh" if found is None else "swap",
        changes=found,
        test_timeout=20,
        total_timeout=300,
    )


KNOWN: list[str] = []


async def known(channel: Channel) -> list[str]:
    """Ids of the tests of the unbroken code, which are always the same: collected once."""
    if not KNOWN:
        found = await run_suite(
            channel, args=["--collect-only"], tests=None, test_timeout=20, total_timeout=300
        )
        KNOWN.extend(found.collected or ())
    return list(KNOWN)


def outcomes(result: SuiteRun) -> dict[str, str]:
    return {test.partition("::")[2]: found.outcome for test, found in result.results.items()}


async def both_ways(channel: Channel, old: str, new: str) -> tuple[SuiteRun, SuiteRun]:
    assert MODULE.count(old) == 1
    source = MODULE.replace(old, new).encode()
    found = changes(MODULE.encode(), source)
    assert found is not None
    files = {"module.py": source}
    return await run(channel, files, None), await run(channel, files, {"module.py": found})


@pytest.mark.parametrize(
    ("old", "new", "red"),
    [
        ("total = a + b + c", "total = a - b + c", {"test_plain", "test_keyword"}),
        ("return total", "return None", {"test_plain", "test_keyword", "test_source"}),
        ("b=1, *, c=2", "b=2, *, c=2", {"test_plain", "test_keyword"}),
        ("b=1, *, c=2", "b=1, *, c=0", {"test_plain"}),
        ("return total", "yield total", {"test_plain", "test_keyword", "test_source"}),
        ("self.size * 2", "self.size", {"test_double"}),
        ("yield self.size", "yield 0", {"test_opened"}),
        ("return a + b\n    return inner", "return a - b\n    return inner", {"test_nested"}),
        ("function(*args) * 2", "function(*args)", {"test_decorated"}),
    ],
)
async def test_a_function_gets_its_new_code_wherever_it_is_held(
    channel: Channel, old: str, new: str, red: set[str]
) -> None:
    fresh, swapped = await both_ways(channel, old, new)
    assert (swapped.path, swapped.why) == ("swap", "")
    assert outcomes(swapped) == outcomes(fresh)
    assert {test for test, outcome in outcomes(swapped).items() if outcome != "passed"} == red


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("yield 2", "yield 3", "steps has begun to run before the first test"),
        (
            "def changed_code(a):\n    return a + 1",
            "def changed_code(a):\n    return a + 2",
            "changed_code is not as its file has it",
        ),
        (
            "total = a + b + c",
            "total = (lambda: a + b + c)()",
            "plain changes its shape",
        ),
    ],
)
async def test_what_cannot_be_swapped_is_run_in_another_way(
    channel: Channel, old: str, new: str, why: str
) -> None:
    fresh, swapped = await both_ways(channel, old, new)
    assert swapped.path in ("fork", "fresh")
    assert swapped.why == why
    for test in await known(channel):
        assert swapped.outcome(test) == fresh.outcome(test)


@pytest.mark.parametrize(
    ("old", "new", "red"),
    [
        ("return [1, 2]", "return [1, 3]", {"test_items[2]"}),
        ("    return 1\nVALUE", "    return 2\nVALUE", {"test_value"}),
        ("a, b=1):", "a, b=2):", {"test_looked_at"}),
    ],
)
async def test_what_acted_before_the_first_test_is_not_swapped(
    channel: Channel, old: str, new: str, red: set[str]
) -> None:
    """What ran or was looked at is known from the baseline, parametrisation included."""
    tests = await known(channel)
    watched = await run_suite(
        channel, args=[], tests=tests, isolate=True, watch=True, test_timeout=20, total_timeout=300
    )
    coverage = make_coverage(watched.seen, tests, {"test_it.py": frozenset({"module.py"})})
    assert coverage is not None
    files = {"module.py": MODULE.replace(old, new).encode()}
    selection = select(coverage, files, {"module.py": MODULE.encode()})
    assert (selection.path, selection.tests) == ("fork", frozenset(tests))
    result = await run_suite(
        channel, args=[], tests=tests, files=files, path="fork", test_timeout=20, total_timeout=300
    )
    failed = {test.partition("::")[2] for test in tests if result.outcome(test) != "passed"}
    assert failed == red


async def test_copies_of_a_function_are_found_by_their_code(channel: Channel) -> None:
    fresh, swapped = await both_ways(
        channel,
        "def original(a):\n    return a + 1\ncopied",
        "def original(a):\n    return a + 3\ncopied",
    )
    assert swapped.path == "swap"
    assert outcomes(swapped) == outcomes(fresh)
    assert outcomes(swapped)["test_copied"] == outcomes(swapped)["test_original"] == "failed"


async def start(tmp_path: Path, **sources: str) -> Channel:
    tree = tmp_path / "own"
    tree.mkdir()
    (tree / "module.py").write_text("def work():\n    return 1\n")
    for name, source in sources.items():
        (tree / f"{name}.py").write_text(textwrap.dedent(source))
    return await start_plain(tree, tmp_path / "tmp")


OLD, NEW = b"def work():\n    return 1\n", b"def work():\n    return 2\n"


async def swapped(channel: Channel, tests: list[str], new: bytes = NEW) -> SuiteRun:
    return await run_suite(
        channel,
        args=[],
        tests=[f"test_it.py::{name}" for name in tests],
        files={"module.py": new},
        path="swap",
        changes={"module.py": changes(OLD, new) or ()},
        test_timeout=2,
        total_timeout=300,
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            """
            import threading
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            """,
            "a thread is running after collection",
        ),
        (
            """
            import subprocess, atexit
            process = subprocess.Popen(["sleep", "20"])
            """,
            "a process is running after collection",
        ),
        (
            """
            import mmap
            shared = mmap.mmap(-1, 4096)
            """,
            "memory is shared after collection",
        ),
        ("kept = open(__file__)", "test_it.py is open after collection"),
        (
            """
            import tempfile
            folder = tempfile.mkdtemp()
            """,
            "collecting the tests leaves temporary files",
        ),
        ("open('made.txt', 'w').close()", "collecting the tests writes into the tree"),
        ("import os; os._exit(3)", "it could not be started"),
    ],
)
async def test_a_session_that_forks_would_share_is_not_held(
    tmp_path: Path, source: str, why: str
) -> None:
    code = textwrap.dedent(source) + "\ndef test_it():\n    import module\n    module.work()\n"
    channel = await start(tmp_path, test_it=code)
    result = await swapped(channel, ["test_it"])
    await channel.close()
    assert result.path in ("fork", "fresh")
    assert result.why.endswith(why)


async def test_a_function_whose_source_was_read_before_the_first_test_is_not_swapped(
    tmp_path: Path,
) -> None:
    channel = await start(
        tmp_path,
        test_it="""
        import inspect, module
        source = inspect.getsource(module.work)
        def test_it(): assert "return 1" in source
        """,
    )
    result = await swapped(channel, ["test_it"])
    await channel.close()
    assert result.path == "fork"
    assert "is read before the first test" in result.why
    assert outcomes(result) == {"test_it": "failed"}


async def test_what_one_run_leaves_behind_no_other_meets(tmp_path: Path) -> None:
    channel = await start(
        tmp_path,
        test_it="""
        import os, sys, pytest, module
        state = []
        @pytest.fixture(scope="session", autouse=True)
        def once():
            state.append("session")
        def test_state():
            module.work(); state.append(1); print("noise")
            assert state == ["session", 1]
        def test_output(capfd):
            assert module.work() == 2
            print("mine")
            assert capfd.readouterr().out == "mine\\n"
        def test_die(): module.work(); print("noise" * 1000); sys.stdout.flush(); os._exit(3)
        def test_kill_the_parent():
            module.work(); os.kill(os.getppid(), 9)
        def test_after(): assert module.work() == 2
        def test_hang():
            while module.work(): pass
        """,
    )
    for _ in range(2):
        result = await swapped(channel, ["test_state", "test_output"])
        assert result.path == "swap"
        assert outcomes(result) == {"test_state": "passed", "test_output": "passed"}
    result = await swapped(channel, ["test_die", "test_hang", "test_after"])
    assert outcomes(result) == {
        "test_die": "crashed",
        "test_hang": "timeout",
        "test_after": "passed",
    }
    result = await swapped(channel, ["test_kill_the_parent", "test_after"])
    assert outcomes(result)["test_after"] == "passed"
    for _ in range(2):
        result = await swapped(channel, ["test_state"])
        assert outcomes(result) == {"test_state": "passed"}
    assert result.path == "swap"
    await channel.close()


async def test_a_module_that_no_test_has_imported_yet_is_imported_as_it_is_on_disk(
    tmp_path: Path,
) -> None:
    code = "def test_it():\n    import module\n    assert module.work() == 2\n"
    channel = await start(tmp_path, test_it=code)
    result = await swapped(channel, ["test_it"])
    await channel.close()
    assert (result.path, outcomes(result)) == ("swap", {"test_it": "passed"})


async def test_what_runs_are_forked_from_can_be_started_ahead(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
        with open({str(log)!r}, "a") as file: file.write("collected ")
        import module
        def test_it(): assert module.work() == 2
        """
    channel = await start(tmp_path, test_it=code)

    assert await prepare(channel, args=[], path="swap")
    ahead = log.read_text()
    result = await swapped(channel, ["test_it"])
    await channel.close()

    assert (result.path, outcomes(result)) == ("swap", {"test_it": "passed"})
    assert ahead == log.read_text() == "collected "

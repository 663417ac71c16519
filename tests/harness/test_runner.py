"""The runner against real pytest: whatever tests do, each gets the outcome it deserves."""

from __future__ import annotations

import asyncio
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harness.runs.suite import SuiteRun, run_compile, run_suite
from harness.sandboxes.sandbox import Channel
from tests.harness.plain import start_plain


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "module.py").write_text("VALUE = 1\n")
    opened = await start_plain(tree, tmp_path / "tmp")
    await opened.receive(timeout=120)
    yield opened
    await opened.close()


async def run(channel: Channel, code: str, **settings: object) -> SuiteRun:
    """Run one test file that is written for this run alone."""
    options: dict[str, object] = {"test_timeout": 10.0, "total_timeout": 300.0, "args": []}
    extra: Any = settings.pop("extra", {})
    files = {"test_it.py": textwrap.dedent(code).encode(), **extra}
    return await run_suite(channel, **{**options, "files": files, **settings})  # type: ignore[arg-type]


def outcomes(result: SuiteRun) -> dict[str, str]:
    return {test.partition("::")[2]: found.outcome for test, found in result.results.items()}


async def test_every_kind_of_outcome_is_told_apart(channel: Channel) -> None:
    result = await run(
        channel,
        """
        import pytest, unittest

        @pytest.fixture
        def broken(): raise OSError
        @pytest.fixture
        def late():
            yield
            raise OSError
        def test_pass(): pass
        def test_fail(): assert 0
        def test_raise(): raise OSError
        def test_setup(broken): pass
        def test_teardown(late): pass
        def test_skip(): pytest.skip("no")
        @pytest.mark.xfail
        def test_xfail(): assert 0
        @pytest.mark.xfail
        def test_xpass(): pass
        @pytest.mark.xfail(strict=True)
        def test_strict(): pass
        class Test(unittest.TestCase):
            def test_sub(self):
                for number in range(2):
                    with self.subTest(number=number):
                        self.assertEqual(number, 0)
        """,
    )

    assert outcomes(result) == {
        "test_pass": "passed",
        "test_fail": "failed",
        "test_raise": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_skip": "skipped",
        "test_xfail": "xfailed",
        "test_xpass": "passed",
        "test_strict": "failed",
        "Test::test_sub": "failed",
    }


@pytest.mark.parametrize("isolate", [False, True], ids=["in company", "alone"])
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("import time; time.sleep(60)", "timeout"),
        ("import os; os._exit(0)", "crashed"),
        ("import ctypes; ctypes.string_at(0)", "crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "crashed"),
        ("raise SystemExit(0)", "failed"),
    ],
)
async def test_a_test_that_ends_its_process_takes_no_other_with_it(
    channel: Channel, body: str, outcome: str, isolate: bool
) -> None:
    code = f"""
        def test_before(): pass
        def test_bad(): {body}
        def test_after(): pass
        """

    result = await run(channel, code, isolate=isolate, test_timeout=4.0)

    expected = {"test_before": "passed", "test_bad": outcome, "test_after": "passed"}
    assert outcomes(result) == expected


async def test_a_test_that_needs_company_fails_alone(channel: Channel) -> None:
    code = """
        state = []
        def test_first(): state.append(1)
        def test_second(): assert state
        """

    assert outcomes(await run(channel, code))["test_second"] == "passed"
    assert outcomes(await run(channel, code, isolate=True))["test_second"] == "failed"


async def test_only_the_tests_asked_for_run_whatever_their_ids(channel: Channel) -> None:
    code = """
        import pytest
        @pytest.mark.parametrize("value", ["a b", "x::y", "ü", "new\\nline", "[z]"])
        def test_odd(value): pass
        """
    everything = (await run(channel, code)).collected or ()
    assert len(everything) == 5

    for test in everything:
        result = await run(channel, code, tests=[test])
        assert set(result.results) == {test}

    result = await run(channel, code, tests=["test_it.py::test_gone"])
    assert result.outcome("test_it.py::test_gone") == "missing"


async def test_a_module_that_cannot_be_imported_does_not_sink_the_rest(channel: Channel) -> None:
    files = {"test_it.py": b"def test_good(): pass\n", "test_other.py": b"import nowhere\n"}

    result = await run(channel, "", files=files)

    assert outcomes(result) == {"test_good": "passed"}
    assert result.collect_errors[0][0] == "test_other.py"
    assert "nowhere" in result.collect_errors[0][1]


async def test_why_tests_and_modules_are_skipped_is_told(channel: Channel) -> None:
    files = {
        "test_it.py": b"import pytest\ndef test_one(): pytest.skip('no\\nreason')\n",
        "test_two.py": b"import pytest\npytest.importorskip('nowhere')\n",
        "test_three.py": b"import unittest\nraise unittest.SkipTest('not here')\n",
        "test_four.py": b"import pytest\n@pytest.mark.skipif(1, reason='why')\ndef test_it(): 0\n",
    }

    result = await run(channel, "", files=files)

    assert {test: each.detail for test, each in result.results.items()} == {
        "test_it.py::test_one": "no reason",
        "test_four.py::test_it": "why",
    }
    assert dict(result.collect_skips) == {
        "test_two.py": "could not import 'nowhere': No module named 'nowhere'",
        "test_three.py": "not here",
    }


async def test_the_tree_is_put_back_after_whatever_a_test_did(
    channel: Channel, tmp_path: Path
) -> None:
    code = """
        import os, pathlib
        def test_vandal():
            pathlib.Path("module.py").unlink()
            pathlib.Path("new").mkdir()
            pathlib.Path("new/file").write_text("x")
        """

    result = await run(channel, code)

    assert result.restored
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["module.py"]
    assert (tmp_path / "tree" / "module.py").read_text() == "VALUE = 1\n"


async def test_a_change_of_the_same_size_in_the_same_second_is_seen(channel: Channel) -> None:
    test = b"from module import VALUE\ndef test_value(): assert VALUE == 1\n"
    for value, outcome in ((1, "passed"), (2, "failed"), (1, "passed"), (3, "failed")):
        files = {"test_it.py": test, "module.py": b"VALUE = %d\n" % value}
        assert outcomes(await run(channel, "", files=files)) == {"test_value": outcome}


async def test_a_deleted_file_is_gone_for_that_run_alone(channel: Channel) -> None:
    test = b"def test_import(): import module\n"

    without = await run(channel, "", files={"test_it.py": test, "module.py": None})
    restored = await run(channel, "", files={"test_it.py": test})

    assert outcomes(without) == {"test_import": "failed"}
    assert outcomes(restored) == {"test_import": "passed"}


@pytest.mark.parametrize("path", ["../outside.py", "/tmp/outside.py"])
async def test_a_file_outside_the_tree_is_refused(
    channel: Channel, path: str, tmp_path: Path
) -> None:
    result = await run(channel, "", files={path: b"x"})

    assert "outside" in result.error
    assert not (tmp_path / "outside.py").exists()


async def test_what_tests_print_cannot_reach_the_channel(channel: Channel) -> None:
    code = """
        import os, sys
        def test_print():
            for fd in range(3):
                try:
                    os.write(fd, b"\\x00\\x00\\x00\\x02{}" * 1000)
                except OSError:
                    pass
            print("x" * 100000)
        """

    assert outcomes(await run(channel, code, args=["-s"])) == {"test_print": "passed"}


async def test_daemons_that_tests_leave_behind_are_killed(channel: Channel, tmp_path: Path) -> None:
    code = f"""
        import subprocess, sys
        LATE = "import time; time.sleep(1); open({str(tmp_path / "late")!r}, 'w')"
        def test_daemon():
            subprocess.Popen([sys.executable, "-c", LATE], start_new_session=True)
        """

    assert outcomes(await run(channel, code)) == {"test_daemon": "passed"}
    await asyncio.sleep(1.5)

    assert not (tmp_path / "late").exists()


async def test_a_suite_ends_when_its_time_is_up(channel: Channel) -> None:
    code = """
        import pytest, time
        @pytest.mark.parametrize("number", range(400))
        def test_slow(number): time.sleep(0.5)
        """
    began = time.monotonic()

    result = await run(channel, code, total_timeout=2.0)

    assert result.exhausted
    assert 0 < len(result.results) < 400
    assert time.monotonic() - began < 100


async def test_a_run_is_given_up_when_too_many_tests_hang(channel: Channel) -> None:
    code = """
        import pytest, time
        @pytest.mark.parametrize("number", range(9))
        def test_hang(number): time.sleep(60)
        """

    result = await run(channel, code, test_timeout=0.5, hang_limit=2)

    assert result.exhausted
    assert len(result.results) == 3


async def test_the_repositorys_own_options_do_not_change_the_run(
    channel: Channel, tmp_path: Path
) -> None:
    config = b"[pytest]\naddopts = --no-such-option -x --maxfail=1 -n 4\n"
    files = {
        "test_it.py": b"def test_a(): assert 0\ndef test_b(): pass\n",
        "pytest.ini": config,
    }

    assert outcomes(await run(channel, "", files=files)) == {"test_a": "failed", "test_b": "passed"}


async def test_a_run_can_stop_when_too_much_is_red(channel: Channel) -> None:
    code = """
        import pytest
        @pytest.mark.parametrize("number", range(50))
        def test_red(number): assert 0
        """

    result = await run(channel, code, stop_after_red=5)

    assert result.stopped
    assert len(result.results) < 50


async def test_sources_are_compiled_by_the_sandboxs_python(channel: Channel) -> None:
    assert await run_compile(channel, ["x = 1\n", "x = = 1\n", "return 1\n"]) == [
        True,
        False,
        False,
    ]


async def test_a_forked_run_says_the_same_as_a_fresh_one(channel: Channel) -> None:
    code = """
    import os, sys, random
    def test_pass(): assert "module" not in sys.modules
    def test_import():
        import module
        assert module.VALUE == 1
    def test_fail(): assert 0
    def test_arguments(): assert sys.argv[0].endswith("__main__.py")
    def test_output(): print("x"); assert os.isatty(1) is False
    def test_own_files(): assert os.access("/proc/self/environ", os.R_OK)
    def test_die(): os._exit(3)
    """
    fresh = await run(channel, code)
    for _ in range(2):
        forked = await run(channel, code, path="fork")
        assert outcomes(forked) == outcomes(fresh)
    assert outcomes(fresh)["test_die"] == "crashed"
    assert outcomes(fresh)["test_own_files"] == "passed"


async def test_only_the_files_asked_for_are_collected(channel: Channel) -> None:
    files = {
        "conftest.py": b"def pytest_ignore_collect(collection_path): return False\n",
        "test_a.py": b"def test(): pass\n",
        "test_b.py": b"raise OSError\n",
    }
    result = await run(channel, "", files=files, only_files=["test_a.py"])
    assert list(result.results) == ["test_a.py::test"]
    assert result.collect_errors == ()


async def test_what_each_test_enters_opens_and_starts_is_seen(channel: Channel) -> None:
    result = await run(
        channel,
        """
        import subprocess, threading

        def helper(): pass

        def branch(on):
            if on:
                return 1
            return 2

        def test_calls(): helper()
        def test_branch(): branch(True)
        def test_hot(): [branch(True) for _ in range(5000)]
        def test_looks(): import inspect; inspect.signature(helper)
        def test_thread():
            thread = threading.Thread(target=helper)
            thread.start(); thread.join()
        def test_imports():
            import module
        def test_reads(): open("module.py").close()
        def test_starts(): subprocess.run(["true"])
        def test_traces():
            import sys
            sys.settrace(None)
        """,
        isolate=True,
        watch=True,
    )
    seen = {test.partition("::")[2]: found for test, found in result.seen.items()}

    def noted(name: str, kind: str, number: int) -> bool:
        return bool(getattr(seen[name], kind).get("test_it.py", 0) >> number & 1)

    assert noted("test_calls", "code", 4)
    assert noted("test_thread", "code", 4)
    assert not noted("test_reads", "code", 4)
    assert [noted("test_branch", "lines", n) for n in (7, 8, 9)] == [True, True, False]
    assert noted("test_hot", "lines", 9)  # what runs so often counts as run in full
    assert noted("test_looks", "introspected", 4)
    assert not noted("test_calls", "introspected", 4)
    assert "module.py" in seen["test_imports"].opened
    assert seen["test_reads"].opened == {"module.py"}
    assert [name for name, found in seen.items() if found.opaque] == ["test_starts", "test_traces"]
    assert noted("", "code", 1)


async def test_what_python_processes_run_that_a_test_starts_is_seen(channel: Channel) -> None:
    run_it = "subprocess.run([sys.executable, '-c', 'import module; module.work(1)']"
    code = f"""
        import multiprocessing, os, subprocess, sys, time

        def helper(): return 1

        def test_python(): {run_it}, check=True)
        def test_killed():
            process = subprocess.Popen(
                [sys.executable, "-c", "import module; module.work(1); print(flush=True); input()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            process.stdout.read(1)
            process.kill(); process.wait()
        def test_fork():
            process = multiprocessing.get_context("fork").Process(target=helper)
            process.start(); process.join()
        def test_fork_within():
            if os.fork() == 0:
                helper()
                os._exit(0)
            os.wait()
        def test_unheard_grandchild():
            os.chmod("unheard.py", 0o755)
            start_it = "import subprocess; subprocess.run(['./unheard.py'], check=True)"
            subprocess.run([sys.executable, "-c", start_it], check=True)
        def test_isolated():
            subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        def test_own_environment(): {run_it}, env={{}}, check=True)
        def test_shell(): subprocess.run("true", shell=True, check=True)
        def test_system(): os.system("true")
        """
    module = b"def work(n):\n    if n:\n        return 1\n    return 2\n"
    script = f"#!{sys.executable} -I\n".encode()
    result = await run(
        channel,
        code,
        extra={"module.py": module, "unheard.py": script},
        isolate=True,
        watch=True,
    )
    assert set(outcomes(result).values()) == {"passed"}
    seen = {test.partition("::")[2]: found for test, found in result.seen.items()}
    for name in ("test_python", "test_killed"):
        assert [seen[name].lines["module.py"] >> n & 1 for n in (2, 3, 4)] == [1, 1, 0]
        assert not seen[name].opaque
    assert seen["test_fork"].code["test_it.py"] >> 4 & 1
    within = seen["test_fork_within"].lines["test_it.py"]
    first = code.splitlines().index("        def test_fork_within():") + 1
    assert [within >> first + n & 1 for n in (1, 2, 3, 4)] == [1, 1, 1, 1]
    opaque = {name for name, found in seen.items() if found.opaque}
    unheard = {"test_isolated", "test_own_environment", "test_unheard_grandchild"}
    assert opaque == {*unheard, "test_shell", "test_system"}

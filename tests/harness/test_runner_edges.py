"""Where one run could reach into another, or a fault of one test into another's outcome."""

from __future__ import annotations

import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.runs.suite import SuiteRun, run_suite
from harness.sandboxes.sandbox import Channel
from tests.harness.plain import start_plain


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A work tree with an empty folder and a git folder."""
    folder = tmp_path / "tree"
    (folder / "empty").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "module.py").write_text("VALUE = 1\n")
    return folder


@pytest.fixture
async def channel(tree: Path, tmp_path: Path) -> AsyncIterator[Channel]:
    opened = await start_plain(tree, tmp_path / "tmp")
    yield opened
    await opened.close()


async def run(channel: Channel, code: str, **settings: object) -> SuiteRun:
    """Run one test file that is written for this run alone."""
    options: dict[str, object] = {"test_timeout": 10.0, "total_timeout": 100.0, "args": []}
    files = {"test_it.py": textwrap.dedent(code).encode(), **settings.pop("files", {})}  # type: ignore[dict-item]
    return await run_suite(channel, **{**options, "files": files, **settings})  # type: ignore[arg-type]


def outcomes(result: SuiteRun) -> dict[str, str]:
    return {test.partition("::")[2]: found.outcome for test, found in result.results.items()}


def listing(tree: Path) -> dict[str, str]:
    return {
        str(path.relative_to(tree)): f"{path.stat().st_mode:o}"
        + (path.read_text() if path.is_file() else "")
        for path in tree.rglob("*")
    }


@pytest.mark.parametrize(
    "deed",
    [
        "os.makedirs('a/b/c')",
        "os.rmdir('empty')",
        "os.remove('module.py'); os.mkdir('module.py'); open('module.py/x', 'w').close()",
        "os.rmdir('empty'); open('empty', 'w').close()",
        "os.mkdir('shut'); open('shut/x', 'w').close(); os.chmod('shut', 0)",
        "os.chmod('empty', 0o500)",
        "open('.git/HEAD', 'w').write('elsewhere'); open('.git/new', 'w').close()",
        "os.symlink('module.py', 'link'); os.symlink('empty', 'other')",
    ],
)
async def test_nothing_of_a_run_stays_in_the_tree(channel: Channel, tree: Path, deed: str) -> None:
    before = listing(tree)

    result = await run(channel, f"import os\ndef test_deed(): {deed}")

    assert outcomes(result) == {"test_deed": "passed"}
    assert result.restored
    assert listing(tree) == before


async def test_nothing_of_a_run_stays_in_the_temporary_folder(
    channel: Channel, tmp_path: Path
) -> None:
    folder = str(tmp_path / "tmp")
    code = f"""
        import os
        def test_leave():
            os.mkdir({folder!r} + "/left")
            open({folder!r} + "/left/file", "w").close()
        """

    assert outcomes(await run(channel, code)) == {"test_leave": "passed"}

    assert list((tmp_path / "tmp").iterdir()) == []


async def test_a_hang_at_import_costs_its_own_limit_only(channel: Channel) -> None:
    began = time.monotonic()

    result = await run(channel, "while True: pass", collect_timeout=1.5)

    assert result.exhausted
    assert result.collected is None
    assert time.monotonic() - began < 50


async def test_a_hang_after_the_last_test_costs_no_outcome(channel: Channel) -> None:
    conftest = b"import time\ndef pytest_sessionfinish(session): time.sleep(60)\n"
    began = time.monotonic()

    files = {"conftest.py": conftest}
    result = await run(channel, "def test_good(): pass", files=files, test_timeout=3.0)

    assert outcomes(result) == {"test_good": "passed"}
    assert not result.exhausted
    assert time.monotonic() - began < 50


async def test_a_test_that_was_running_when_another_killed_the_process_runs_again(
    channel: Channel,
) -> None:
    code = """
        import os, threading, time
        def test_guilty(): threading.Timer(0.3, os._exit, [1]).start()
        def test_innocent(): time.sleep(0.8)
        """

    assert outcomes(await run(channel, code)) == {
        "test_guilty": "passed",
        "test_innocent": "passed",
    }


async def test_a_process_that_dies_is_noticed_though_its_child_lives(channel: Channel) -> None:
    code = """
        import os, time
        def test_fork():
            if os.fork() == 0:
                time.sleep(60)
            os._exit(1)
        """
    began = time.monotonic()

    result = await run(channel, code, test_timeout=90.0)

    assert outcomes(result) == {"test_fork": "crashed"}
    assert time.monotonic() - began < 50


async def test_threads_alive_after_collection_are_not_forked(channel: Channel) -> None:
    code = """
        import threading, queue
        ask, answer, state = queue.Queue(), queue.Queue(), []
        def serve():
            while True: answer.put(ask.get())
        threading.Thread(target=serve, daemon=True).start()
        def check():
            ask.put(1)
            assert answer.get(timeout=5) == 1
            assert not state
            state.append(1)
        def test_a(): check()
        def test_b(): check()
        """

    result = await run(channel, code, isolate=True)

    assert outcomes(result) == {"test_a": "passed", "test_b": "passed"}


@pytest.mark.parametrize("isolate", [False, True], ids=["in company", "alone"])
async def test_of_tests_with_one_id_the_red_one_counts(channel: Channel, isolate: bool) -> None:
    conftest = b"""
import pytest
def pytest_collection_modifyitems(items):
    items.append(pytest.Function.from_parent(items[0].parent, name="test_a", callobj=lambda: 1 / 0))
"""
    code = "def test_a(): pass\ndef test_b(): pass"

    result = await run(channel, code, files={"conftest.py": conftest}, isolate=isolate)

    assert outcomes(result) == {"test_a": "failed", "test_b": "passed"}


async def test_a_usage_error_is_told(channel: Channel) -> None:
    result = await run(channel, "", args=["--no-such-option"])

    assert result.collected is None
    assert "--no-such-option" in result.tail


async def test_blocked_plugins_leave_no_trace_where_warnings_are_errors(channel: Channel) -> None:
    config = b"[pytest]\nfilterwarnings = error\ntimeout = 1\ncache_dir = x\nreruns = 3\n"
    code = """
        import pytest
        @pytest.mark.timeout(5)
        @pytest.mark.flaky(reruns=3)
        @pytest.mark.xdist_group("one")
        def test_marked(worker_id): assert worker_id == "master"
        """

    result = await run(channel, code, files={"pytest.ini": config})

    assert outcomes(result) == {"test_marked": "passed"}, (result.tail, result.collect_errors)


async def test_the_program_is_pytest_to_the_tests(channel: Channel) -> None:
    code = """
        import os, sys
        def test_argv(): assert sys.argv[0].endswith(os.path.join("pytest", "__main__.py"))
        def test_path(): assert sys.path[0] == os.getcwd()
        """

    assert set(outcomes(await run(channel, code)).values()) == {"passed"}


async def test_what_a_test_writes_into_the_report_pipe_breaks_nothing(channel: Channel) -> None:
    code = """
        import os
        def test_noise():
            for fd in range(3, 32):
                for word in (b'[]', b'{"event":"outcome"}', b'{"event":"start","test":[]}',
                             b'{"event":"outcome","test":[],"outcome":1,"seconds":"x","detail":0}',
                             b'{"event":"collect-error"}', b'{"event":"collected","tests":7}'):
                    try: os.write(fd, b'\\n' + word + b'\\n')
                    except OSError: pass
        def test_next(): pass
        """

    assert outcomes(await run(channel, code))["test_next"] == "passed"
    assert outcomes(await run(channel, "def test_later(): pass")) == {"test_later": "passed"}


async def test_only_watched_tests_count_towards_stopping(channel: Channel) -> None:
    code = """
        import pytest
        @pytest.mark.parametrize("number", range(10))
        def test_red(number): assert 0
        def test_last(): pass
        """

    result = await run(channel, code, watched=["test_it.py::test_last"], stop_after_red=0)

    assert not result.stopped
    assert outcomes(result)["test_last"] == "passed"


async def test_a_test_may_have_a_limit_of_its_own(channel: Channel) -> None:
    code = """
        import time
        def test_slow(): time.sleep(1.2)
        def test_hang(): time.sleep(1.2)
        """
    limits = {"test_it.py::test_slow": 60.0}

    for isolate in (False, True):
        result = await run(channel, code, test_timeout=0.5, test_timeouts=limits, isolate=isolate)
        assert outcomes(result) == {"test_slow": "passed", "test_hang": "timeout"}


async def test_a_way_to_run_that_the_runner_does_not_know_is_refused(channel: Channel) -> None:
    await channel.send(
        {"op": "run", "path": {"mode": "guess"}, "test_timeout": 1, "total_timeout": 1}
    )

    frame = await channel.receive(timeout=120)
    while frame["event"] != "done":
        frame = await channel.receive(timeout=120)

    assert "guess" in frame["error"]

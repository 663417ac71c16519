"""Suites that are over a limit: what is long goes in parts, and what does not fit is named."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.environments import baseline
from harness.runner import parts
from harness.runner.frames import LINE_LIMIT, TEST_ID_LIMIT
from harness.runs import reports
from harness.runs.coverage import decode, encode
from harness.runs.reports import FrameCollector
from harness.runs.selection import Coverage, ExecutionTrace, select_tests
from harness.runs.suite import Result, SuiteRun, run_suite
from harness.sandboxes import process
from harness.sandboxes.sandbox import Channel, SandboxLimits
from storage.errors import SandboxError
from tests.harness.plain import PlainBackend, make_environment, start_plain

WIDTH = 50_000
"""Characters of an id: few tests then have ids of more than a message."""
MANY = """
import pytest
@pytest.mark.parametrize("n", range({count}), ids=lambda n: "%0{width}d" % n)
def test_same(n): {body}
"""


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    tree = tmp_path / "tree"
    tree.mkdir()
    opened = await start_plain(tree, tmp_path / "tmp")
    yield opened
    await opened.close()


async def run(channel: Channel, code: str, **settings: object) -> SuiteRun:
    options: dict[str, object] = {"test_timeout": 60.0, "total_timeout": 600.0, "args": []}
    files = {"test_it.py": code.encode()}
    return await run_suite(channel, **{**options, "files": files, **settings})  # type: ignore[arg-type]


def many(count: int, width: int, body: str = "pass") -> str:
    return MANY.format(count=count, width=width, body=body)


async def test_ids_of_more_than_a_message_are_all_collected(channel: Channel) -> None:
    count = 2 * LINE_LIMIT // WIDTH

    first = await run(channel, many(count, WIDTH))
    again = await run(channel, many(count, WIDTH), tests=list(first.results)[:-1])

    assert len(first.collected or ()) == len(first.results) == count
    assert {result.outcome for result in first.results.values()} == {"passed"}
    assert len(again.results) == count - 1


async def test_tests_that_die_are_run_again_though_their_ids_are_many(channel: Channel) -> None:
    code = many(40, WIDTH, "assert n != 7 or __import__('os')._exit(3)")

    found = await run(channel, code, isolate=False)

    red = [test for test, result in found.results.items() if result.outcome != "passed"]
    assert (len(found.results), len(red)) == (40, 1)


async def test_a_test_with_too_long_an_id_is_named_and_the_others_run(channel: Channel) -> None:
    code = "import pytest\n@pytest.mark.parametrize('s', 'abc', ids=['a', 'b' * 100_000, 'c'])\n"

    found = await run(channel, code + "def test_it(s): pass")

    assert sorted(found.results) == ["test_it.py::test_it[a]", "test_it.py::test_it[c]"]
    ((shown, why),) = found.left_out
    assert (why, shown.startswith("test_it.py::test_it[bbb")) == ("id-too-long", True)
    assert f"({len('test_it.py::test_it[]') + 100_000} characters, " in shown


async def test_every_error_of_collection_is_told(channel: Channel) -> None:
    files = {f"test_{n}.py": b"import nowhere" for n in range(60)}

    found = await run(channel, "def test_it(): pass", files={**files, "test_it.py": b"x = 1"})

    assert sorted(path for path, _ in found.collect_errors) == sorted(files)


async def test_a_large_file_is_written_as_it_is(channel: Channel) -> None:
    text = b'"""%s"""\n' % (b"docstring\n" * 500_000)
    code = "import big\ndef test_it(): assert len(big.__doc__) == 5_000_000"

    found = await run(channel, code, files={"test_it.py": code.encode(), "big.py": text})

    assert {result.outcome for result in found.results.values()} == {"passed"}


async def test_a_test_that_prints_a_lot_is_like_any_other(channel: Channel) -> None:
    found = await run(channel, many(5, 3, "print('x' * 1_000_000); assert n"), reports=True)

    assert sorted(r.outcome for r in found.results.values()) == ["failed", *["passed"] * 4]


@given(
    st.dictionaries(st.text(max_size=8), st.from_regex(r"\A[0-9a-f]{1,30}\Z"), max_size=20),
    st.sets(st.text(max_size=8), max_size=20),
    st.integers(1, 200),
)
def test_a_trace_in_parts_is_the_same_trace(
    masks: dict[str, str], opened: set[str], limit: int
) -> None:
    seen = {"code": masks, "lines": masks, "introspected": {}, "opened": sorted(opened)}
    kept = []
    for most in (limit, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parts, "PART_LIMIT", most)
            frames = list(parts.split_trace({**seen, "opaque": True}))
        collector = FrameCollector(asked=None)
        for frame in frames:
            collector.take({"event": "seen", "test": "", **frame})
        done = {"event": "done", "path": {"mode": "fresh", "why": ""}}
        kept.append(collector.make_run(done, seconds=0).seen)

    assert kept[0] == kept[1]
    assert kept[0][""].opaque


@given(st.lists(st.text(max_size=20)), st.dictionaries(st.text(max_size=9), st.integers()))
def test_a_request_in_parts_is_the_same_request(tests: list[str], limits: dict[str, int]) -> None:
    frame = {"op": "run", "tests": tests, "test_timeouts": limits, "files": {}, "watched": None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART_LIMIT", 30)
        *ahead, last = parts.split_request(frame)
    fields: dict[str, object] = {}
    for part in ahead:
        assert len(json.dumps(part["part"])) < 300
        parts.join_part(fields, part["field"], part["part"])

    assert {**last, **fields} == frame


def test_what_a_runner_reports_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "KEPT_LIMIT", 10_000)
    monkeypatch.setattr(reports, "TRACE_LIMIT", 10_000)
    tests = [f"t{n}" for n in range(1000)]
    frames: list[dict[str, Any]] = [
        {"event": "collected", "tests": tests, "more": True},
        {"event": "collect-error", "path": "p", "detail": "d" * 10_000},
        {"event": "left-out", "test": "p" * 10_000, "why": "d"},
    ]
    for frame in frames:
        with pytest.raises(SandboxError, match="KEPT_LIMIT"):
            FrameCollector(asked=None).take(frame)
    trace = {"code": {}, "lines": {}, "introspected": {}, "opened": tests, "opaque": False}
    with pytest.raises(SandboxError, match="TRACE_LIMIT"):
        FrameCollector(asked=None).take({"event": "seen", "test": "", "more": True, **trace})


def test_frames_over_a_limit_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="FRAME_LIMIT"):
        process.decode_length(process.HEAD.pack(process.FRAME_LIMIT + 1))
    monkeypatch.setattr(process, "REQUEST_LIMIT", 10)
    with pytest.raises(SandboxError, match=r"'run'.* REQUEST_LIMIT"):
        process.encode({"op": "run", "files": {}})


async def test_a_message_that_does_not_fit_ends_the_run_by_name(channel: Channel) -> None:
    code = """
        def test_it():
            import gc
            from bugfoundry_runner.plugin import ReportPlugin
            (plugin,) = [each for each in gc.get_objects() if type(each) is ReportPlugin]
            plugin.send(event="outcome", test="x" * (2 << 20))
        """
    found = await run(channel, code.replace("\n        ", "\n"))

    assert "'outcome'" in found.error
    assert "LINE_LIMIT" in found.error


def test_ids_just_within_the_limit_fit_into_every_message() -> None:
    assert 6 * TEST_ID_LIMIT + parts.PART_LIMIT < LINE_LIMIT


async def test_a_session_is_held_though_its_arguments_are_long(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "test_it.py").write_text("def test_it(): pass")
    args = [f"--deselect=test_it.py::test_{'x' * 300}_{n}" for n in range(1500)]
    opened = await start_plain(tree, tmp_path / "tmp")
    try:
        for path in ("fork", "swap"):
            how: dict[str, Any] = {"args": args, "path": path, "tests": ["test_it.py::test_it"]}
            found = await run_suite(opened, test_timeout=60, total_timeout=600, **how)
            assert [result.outcome for result in found.results.values()] == ["passed"]
            assert (found.path, found.why) == (path, "")
    finally:
        await opened.close()


async def test_a_suite_of_many_files_and_long_ids_has_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline, "MOST_COLLECTIONS", 2)
    project = tmp_path / "project"
    project.mkdir()
    files = 5
    for number in range(files):
        (project / f"test_{number}.py").write_text(many(8, WIDTH))
    backend = PlainBackend(project, tmp_path / "places")
    sandbox = await backend.start(make_environment(), limits=SandboxLimits())
    try:
        measured, seen = await baseline.measure(sandbox, make_environment(), runs=1)
    finally:
        await sandbox.close()

    assert len(measured.green) == len(measured.tests) == 8 * files
    assert sum(len(test) for test in measured.green) > LINE_LIMIT
    assert seen is not None
    assert all(f"test_{n}.py" in seen.importers[f"test_{n}.py"] for n in range(files))
    assert decode(encode(seen)) == seen


def test_a_test_that_was_not_reached_alone_is_told_as_that() -> None:
    company = {test: Result(outcome="passed") for test in ("one", "two")}
    whole = SuiteRun(results=company, collected=("one", "two"), left_out=(("big…", "id-too-long"),))
    alone = SuiteRun(results={"one": company["one"]}, collected=("one", "two"), exhausted=True)

    found = baseline.combine("e", [whole, whole], alone, seconds=1.0, place="/w")

    assert found.green == ("one",)
    assert {test.id: test.set_aside for test in found.tests} == {
        "one": "",
        "two": "not-run-alone",
        "big…": "id-too-long",
    }


def test_what_thousands_of_tests_have_in_common_is_written_once() -> None:
    trace = ExecutionTrace(code={"big.py": 1 << 100_000}, lines={"big.py": 1 << 100_001})
    equal = ExecutionTrace(code={"big.py": 1 << 100_000}, lines={"big.py": 1 << 100_001})
    tests = {f"t{n}": (trace if n % 2 else equal) for n in range(2000)}
    coverage = Coverage(imported=ExecutionTrace(), tests=tests)

    read = decode(encode(coverage))

    assert read == coverage
    assert len({id(seen) for seen in read.tests.values()}) == 1
    assert select_tests(read.index.code, "big.py", 1 << 100_000) == tests.keys()


async def test_what_a_test_leaves_is_gone_before_the_next_is_run_alone(channel: Channel) -> None:
    code = """
import os, pathlib, tempfile
BEFORE = tempfile.mkdtemp()
@__import__("pytest").mark.parametrize("n", range(3))
def test_it(n, tmp_path):
    folder = pathlib.Path(tempfile.gettempdir())
    assert os.path.isdir(BEFORE)
    assert not list(folder.glob("mine*"))
    assert tmp_path.parent.name == "pytest-0"
    tempfile.mkdtemp(prefix="mine")
"""

    for watch in (True, False):
        found = await run(channel, code, isolate=True, watch=watch)
        assert {result.outcome for result in found.results.values()} == {"passed"}, found.results

"""The runner's archive: the same bytes everywhere, any Python from 3.8 on, and out of the way."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import struct
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pytest
from uv import find_uv_bin

from harness import runner_archive
from harness.judge.judge import HARNESS_VERSION, RULES
from harness.runner_archive import (
    PACKAGE,
    archive_data,
    archive_hash,
    find_archive,
    pack_sources,
    read_sources,
)
from harness.runs.suite import run_suite
from harness.sandboxes.interpreters import (
    OLDEST,
    find_interpreter,
    list_installed_versions,
    numbers,
)
from harness.sandboxes.sandbox import Channel
from storage.errors import SandboxError
from tests.harness.plain import start_plain

ROOT = Path(__file__).parents[2]
NAMES = sorted({Path(path).stem for path in read_sources()} - {"__init__", "__main__"})


@pytest.fixture
def fresh() -> Iterator[None]:
    """What a process knows of the sources is forgotten, before and after."""
    kept = (read_sources, archive_data, archive_hash)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def test_an_archive_is_nothing_but_its_sources() -> None:
    with zipfile.ZipFile(BytesIO(archive_data())) as archive:
        entries = archive.infolist()
    assert [each.filename for each in entries] == sorted(read_sources())
    assert {each.date_time for each in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {each.external_attr >> 16 for each in entries} == {stat.S_IFREG | 0o644}
    assert {each.compress_type for each in entries} == {zipfile.ZIP_STORED}
    assert {each.filename.partition("/")[0] for each in entries} == {"__main__.py", PACKAGE}


def test_an_archive_is_the_same_whatever_the_order_of_its_sources() -> None:
    assert pack_sources(dict(reversed(read_sources().items()))) == archive_data()


def test_the_version_of_verdicts_names_the_sources() -> None:
    assert f"{RULES}.{archive_hash()}" == HARNESS_VERSION


@pytest.mark.usefixtures("fresh")
def test_an_edit_makes_another_archive_and_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(runner_archive, "SOURCES", tmp_path)
    first, place = archive_hash(), find_archive(tmp_path / "cache")

    (tmp_path / "main.py").write_text("VALUE = 2\n")
    assert (archive_hash(), find_archive(tmp_path / "cache")) == (first, place), "read once"

    for each in (read_sources, archive_data, archive_hash):
        each.cache_clear()
    assert archive_hash() != first
    assert find_archive(tmp_path / "cache").read_bytes() != place.read_bytes()


def test_an_archive_in_the_cache_is_used_only_when_it_is_whole(tmp_path: Path) -> None:
    place = find_archive(tmp_path)
    assert place.name == f"{archive_hash()}.zip"
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    written = place.stat().st_ino
    assert find_archive(tmp_path).stat().st_ino == written

    place.write_bytes(archive_data()[:-10])
    assert find_archive(tmp_path).read_bytes() == archive_data()
    assert [each.name for each in place.parent.iterdir()] == [place.name]


def test_an_archive_that_has_no_place_is_said_where(tmp_path: Path) -> None:
    (tmp_path / "runner").write_text("")
    with pytest.raises(SandboxError, match=f"cannot be put at {tmp_path / 'runner'}"):
        find_archive(tmp_path)


@pytest.mark.parametrize("path", sorted(read_sources()))
def test_a_module_is_written_for_the_oldest_python(path: str) -> None:
    tree = ast.parse(read_sources()[path], feature_version=OLDEST)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "level", 0) == 0:
            names = [alias.name for alias in node.names]
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            tops = {name.partition(".")[0] for name in names}
            assert tops <= {*sys.stdlib_module_names, "pytest"}, tops


def test_the_oldest_python_at_hand_runs_it_alone(tmp_path: Path) -> None:
    """With ``-I``: nothing of the user, of the folder or of the environment helps it."""
    tree = tmp_path / "tree"
    tree.mkdir()
    oldest = min(list_installed_versions(), key=numbers)
    answers = ask(
        [str(find_interpreter(oldest).executable), "-I", str(find_archive(tmp_path / "cache"))],
        tree,
        {"op": "compile", "sources": ["x = 1", "x ="]},
        {"op": "script", "script": "import sys; print(sys.version_info[:2])", "timeout": 60},
        {"op": "run", "args": [], "test_timeout": 5, "total_timeout": 60, "files": {}},
    )

    ready, compiled, script, done = answers
    assert (ready["event"], tuple(ready["python"][:2])) == ("ready", numbers(oldest))
    assert compiled["answers"] == [True, False]
    assert (script["exit"], script["output"].strip()) == (0, str(numbers(oldest)))
    assert (script["restored"], done["event"], done["restored"]) == (True, "done", True)


def ask(command: list[str], tree: Path, *frames: dict[str, Any]) -> list[dict[str, Any]]:
    """Start a runner, send it all frames, and return the answers, without what comes in between."""
    sent = [json.dumps(frame).encode() for frame in frames]
    told = subprocess.run(
        [*command, "serve"],
        input=b"".join(struct.pack(">I", len(body)) + body for body in sent),
        cwd=tree,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tree.parent)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found = []
    while told:
        (size,) = struct.unpack(">I", told[:4])
        found.append(json.loads(told[4 : 4 + size]))
        told = told[4 + size :]
    return [each for each in found if each["event"] not in ("collected", "outcome")]


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    """A runner in a repository that has modules of the same names as the runner's own."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in NAMES:
        (tree / f"{name}.py").write_text("def own(): return 'of the repository'\n")
    (tree / "test_it.py").write_text(textwrap.dedent(SAME_NAMES).format(NAMES, PACKAGE))
    opened = await start_plain(tree, tmp_path / "tmp")
    await opened.receive(timeout=60)
    yield opened
    await opened.close()


SAME_NAMES = """
    import importlib, multiprocessing, os, sys
    import pytest

    NAMES, PACKAGE = {0!r}, {1!r}
    FOUND = [importlib.import_module(name) for name in NAMES]

    def test_names_are_the_repositorys_own():
        assert [each.own() for each in FOUND] == ["of the repository"] * len(NAMES)

    def test_the_archive_is_nowhere_to_be_found():
        assert [each for each in sys.path if each.endswith(".zip") and os.path.isfile(each)] == []
        assert [each for each in sys.path_importer_cache if PACKAGE in each] == []
        assert sys.path[0] == os.getcwd()

    def test_the_archive_gives_nothing_more():
        with pytest.raises(ModuleNotFoundError):
            import missing

    def test_all_of_it_is_loaded():
        loaded = {{name.partition(".")[2] for name in sys.modules if name.startswith(PACKAGE)}}
        assert loaded == {{"", *NAMES}}

    def test_a_process_is_spawned():
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=os.getpid)
        process.start()
        process.join()
        assert process.exitcode == 0

    def test_the_main_module_is_like_a_script():
        assert sys.modules["__main__"].__package__ is None
"""


@pytest.mark.parametrize("mode", ["fresh", "fork", "swap"])
async def test_modules_of_a_repository_and_of_the_runner_do_not_meet(
    channel: Channel, mode: Literal["fresh", "fork", "swap"]
) -> None:
    tests = [f"test_it.py::{name}" for name in re.findall(r"def (test_\w+)", SAME_NAMES)]

    result = await run_suite(
        channel, args=[], tests=tests, test_timeout=60.0, total_timeout=120.0, path=mode
    )

    outcomes = {test: found.outcome for test, found in result.results.items()}
    assert outcomes == dict.fromkeys(tests, "passed"), result.results
    assert (result.path, result.why) == (mode, "")


@pytest.mark.network
@pytest.mark.slow
def test_a_wheel_ships_the_same_bytes(tmp_path: Path) -> None:
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    words = [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(words, check=True, env=env, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as wheel:
        assert wheel.read("harness/runner.zip") == archive_data()
        wheel.extractall(tmp_path / "installed")

    script = "from harness.runner_archive import *; print(find_archive(Path('nowhere')))"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "installed", capture_output=True, check=True
    )
    place = Path(os.fsdecode(told.stdout).strip())
    assert place == tmp_path / "installed" / "harness" / "runner.zip"
    assert not (tmp_path / "installed" / "nowhere").exists()

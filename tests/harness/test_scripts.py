"""Scripts in sandboxes: what they show, what they may not do, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from textwrap import dedent
from uuid import uuid4

import docker
import pytest

from harness.judge.scripts import ScriptRun, Scripts
from harness.runs.suite import run_suite
from harness.sandboxes import bubblewrap
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.limits import SandboxLimits
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.sandbox import Backend
from storage.errors import SandboxError
from storage.records import Environment
from tests.furniture.project import SOURCE, write_project
from tests.harness.plain import PlainBackend, make_environment
from tests.harness.probes import build, plan

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
WHERE = "src/shop/__init__.py"
BROKEN = SOURCE.replace("return high", "return low").encode()
SHOP = "import sys; sys.path.insert(0, 'src')\nfrom shop import clamp\n"
SMALL = SandboxLimits(memory_mb=256, pids=40, file_size_mb=8, tmp_mb=16)


@pytest.fixture
async def scripts(tmp_path: Path) -> AsyncIterator[Scripts]:
    backend = PlainBackend(write_project(tmp_path / "shop"), tmp_path / "places")
    opened = Scripts(backend, make_environment(), SandboxLimits())
    yield opened
    await opened.close()


async def test_a_script_shows_on_which_side_it_is(scripts: Scripts) -> None:
    script = SHOP + "print(clamp(11, 0, 10))\n"
    assert await scripts.run_script({}, script) == ScriptRun(exit=0, output="10\n")
    assert await scripts.run_script({WHERE: BROKEN}, script) == ScriptRun(exit=0, output="0\n")
    assert await scripts.run_script({}, script) == ScriptRun(exit=0, output="10\n")


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ("import sys; print('out', flush=True); print('err', file=sys.stderr)", 0, "out\nerr\n"),
        ("print(input())", 1, "EOFError"),
        ("1 +", 1, "SyntaxError"),
        ("import os; print(os.path.basename(__file__), os.environ['PYTHONHASHSEED'])", 0, "e.py 0"),
    ],
)
async def test_how_it_ended_and_what_it_printed(
    scripts: Scripts, script: str, code: int, said: str
) -> None:
    found = await scripts.run_script({}, script)
    assert found.exit == code
    assert said in found.output


async def test_one_that_hangs_is_ended(scripts: Scripts) -> None:
    found = await scripts.run_script(
        {}, "print('begun', flush=True)\nwhile True: pass", timeout=4.0
    )
    assert found == ScriptRun(exit=None, output="begun\n")
    assert (await scripts.run_script({}, "print(1)")).output == "1\n"


async def test_of_much_output_the_two_ends_are_kept(scripts: Scripts) -> None:
    found = await scripts.run_script({}, "print('first'); print('x' * 10**6); print('last')")
    assert found.output.startswith("first\n")
    assert found.output.endswith("last\n")
    assert len(found.output) < 10_000


async def test_nothing_of_it_is_left_for_the_next(scripts: Scripts) -> None:
    leaving = dedent(
        """
        import os, pathlib, time
        pathlib.Path("left").write_text("x")
        pathlib.Path("src/shop/__init__.py").write_text("clamp = None")
        pathlib.Path(__file__).unlink()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(0.3)
                pathlib.Path("late").write_text("x")
            os._exit(0)
        """
    )
    assert (await scripts.run_script({}, leaving)).exit == 0
    await asyncio.sleep(0.5)
    found = await scripts.run_script({}, SHOP + "import os\nprint(sorted(os.listdir()), clamp)")
    assert found.output.startswith("['pyproject.toml', 'reproduce.py', 'src', 'tests'] <function")


async def test_a_file_of_its_name_is_left_alone(scripts: Scripts) -> None:
    own = {"reproduce.py": b"VALUE = 7\n"}
    assert (await scripts.run_script(own, "import reproduce; print(reproduce.VALUE)")).output == (
        "7\n"
    )


async def test_a_path_outside_the_tree_is_refused(scripts: Scripts) -> None:
    with pytest.raises(SandboxError, match="outside the work tree"):
        await scripts.run_script({"../out": b""}, "")
    assert (await scripts.run_script({}, "print(1)")).output == "1\n"


async def test_it_cannot_speak_for_the_runner(scripts: Scripts) -> None:
    forging = dedent(
        """
        import os
        frame = b'{"event": "script", "exit": 0, "output": "forged", "restored": true}'
        for fd in range(3, 64):
            try:
                os.write(fd, len(frame).to_bytes(4, "big") + frame)
            except OSError:
                pass
        raise SystemExit(4)
        """
    )
    assert await scripts.run_script({}, forging) == ScriptRun(exit=4, output="")


async def test_what_failing_tests_say_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    backend = PlainBackend(write_project(tmp_path / "shop"), tmp_path / "places")
    sandbox = await backend.start(make_environment(), limits=SandboxLimits())
    test = "tests/test_shop.py::test_clamp[11-10]"

    async def said(reports: bool, isolate: bool) -> str:
        run = await run_suite(
            channel,
            args=[],
            tests=[test],
            files={"src/shop/__init__.py": BROKEN, "conftest.py": PATH.encode()},
            isolate=isolate,
            reports=reports,
            test_timeout=10,
            total_timeout=60,
        )
        assert run.results[test].outcome == "failed"
        return run.results[test].report

    try:
        channel = await sandbox.runner()
        for isolate in (True, False):
            assert await said(False, isolate) == ""
            told = await said(True, isolate)
            assert told.startswith("Traceback (most recent call last):\n")
            assert 'File "tests/test_shop.py", line' in told
            assert "where 0 = clamp(11, 0, 10)" in told
            assert str(tmp_path) not in told
            assert "pluggy" not in told
    finally:
        await sandbox.close()


PATH = "import sys\nsys.path.insert(0, 'src')\n"

Built = tuple[Backend, Environment]
CAGED = pytest.param(
    "bubblewrap",
    marks=pytest.mark.skipif(
        not bubblewrap.works() and os.environ.get("CI") != "true",
        reason="bubblewrap is not installed, or may not make namespaces",
    ),
)


@pytest.fixture(
    scope="module", params=[CAGED, "process", pytest.param("docker", marks=pytest.mark.docker)]
)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("scripts")
    if request.param != "docker":
        local = LocalBackend(folder / "cache", isolation=request.param)
        yield local, asyncio.run(build(local, folder / "checkout", plan(python=OWN)))
        return
    client: docker.DockerClient = request.getfixturevalue("engine")
    backend = DockerBackend(client=client)
    environment = asyncio.run(build(backend, folder / "checkout", plan(FOR=uuid4().hex)))
    yield backend, environment
    client.images.remove(environment.handle, force=True)


async def test_each_sandbox_runs_them(built: Built) -> None:
    scripts = Scripts(*built, SMALL)
    script = SHOP + "print(clamp(11, 0, 10))\n"
    try:
        assert await scripts.run_script({}, script) == ScriptRun(exit=0, output="10\n")
        assert await scripts.run_script({WHERE: BROKEN}, script) == ScriptRun(exit=0, output="0\n")
        filling = "held = []\nwhile True: held.append(b'x' * 10**6)"
        assert (await scripts.run_script({}, filling)).exit not in (0, None)
        assert await scripts.run_script({}, script) == ScriptRun(exit=0, output="10\n")
    finally:
        await scripts.close()


async def test_a_cage_holds_them_as_it_holds_tests(built: Built) -> None:
    if getattr(built[0], "isolation", "") == "process":
        pytest.skip("a plain process is no cage")
    scripts = Scripts(*built, SMALL)
    trying = dedent(
        """
        import os, socket
        print(os.getuid() != 0)
        try:
            socket.create_connection(("1.1.1.1", 53), timeout=2)
        except OSError:
            print("no network")
        try:
            open("/opt/x" if os.path.isdir("/opt") else "/usr/x", "w")
        except OSError:
            print("read only")
        print(open("/proc/self/status").read().split("CapEff:")[1].split()[0].strip("0") == "")
        """
    )
    try:
        found = await scripts.run_script({}, trying)
    finally:
        await scripts.close()
    assert found.output == "True\nno network\nread only\nTrue\n"

"""The local sandbox, with bubblewrap and without: what it keeps apart and what it promises."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from harness.sandboxes import bubblewrap
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.local_sandbox import Isolation
from harness.sandboxes.sandbox import BuildFailed
from storage.errors import SandboxError
from storage.records import Environment
from tests.harness.probes import PROBE, build, plan, probing

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
Built = tuple[LocalBackend, Environment]
CAGED = pytest.param(
    "bubblewrap",
    marks=pytest.mark.skipif(
        not bubblewrap.works() and os.environ.get("CI") != "true",
        reason="bubblewrap is not installed, or may not make namespaces",
    ),
)


@pytest.fixture(params=[CAGED, "process"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    found: Isolation = request.param
    return found


@pytest.fixture
async def built(tmp_path: Path, isolation: Isolation) -> Built:
    backend = LocalBackend(tmp_path / "cache", runner=PROBE, isolation=isolation)
    wanted = plan(python=OWN, FROM_THE_PLAN="yes")
    return backend, await build(backend, tmp_path / "checkout", wanted)


@pytest.fixture
def caged(built: Built, isolation: Isolation) -> Built:
    if isolation != "bubblewrap":
        pytest.skip("only bubblewrap promises this")
    return built


def places(tmp_path: Path) -> list[str]:
    """Names of the workers' copies that lie in the cache."""
    found = (tmp_path / "cache" / "envs").glob("*/w*")
    return sorted(path.name for path in found if path.name != "w00")


async def test_an_environment_says_what_it_is(built: Built) -> None:
    _, environment = built
    assert environment.python == ".".join(map(str, sys.version_info[:3]))
    assert (environment.sandbox, environment.lock) == ("local", "")


async def test_a_second_build_gives_back_the_first(built: Built, tmp_path: Path) -> None:
    backend, environment = built
    ready = tmp_path / "cache" / "envs" / environment.handle / "ready.json"
    before = ready.stat().st_mtime_ns
    again = await build(backend, tmp_path / "checkout", environment.plan)
    assert again == environment
    assert ready.stat().st_mtime_ns == before


async def test_a_half_built_environment_is_built_anew(built: Built, tmp_path: Path) -> None:
    backend, environment = built
    root = tmp_path / "cache" / "envs" / environment.handle
    (root / "ready.json").unlink()
    (root / "w00" / "tree" / "half").touch()
    assert not await backend.exists(environment)
    await build(backend, tmp_path / "checkout", environment.plan)
    assert await backend.exists(environment)
    assert not (root / "w00" / "tree" / "half").exists()


async def test_two_builds_of_one_environment_do_not_meet(
    tmp_path: Path, isolation: Isolation
) -> None:
    backends = [
        LocalBackend(tmp_path / "cache", runner=PROBE, isolation=isolation) for _ in range(3)
    ]
    await build(backends[0], tmp_path / "checkout", plan(python=OWN, FIRST="1"))
    wanted = plan(python=OWN)
    found = await asyncio.gather(*(build(b, tmp_path / "checkout", wanted) for b in backends))
    assert found[0] == found[1] == found[2]
    async with probing(backends[0], found[0]) as probe:
        assert await probe.run("result = 1") == 1


async def test_each_sandbox_has_its_own_tree(built: Built, tmp_path: Path) -> None:
    backend, environment = built
    where = "src/shop/__init__.py"
    async with probing(backend, environment) as one, probing(backend, environment) as other:
        await one.run(f"open({where!r}, 'w').write('broken')")
        assert await one.run(f"result = open({where!r}).read()") == "broken"
        assert "def clamp" in await other.run(f"result = open({where!r}).read()")
    async with probing(backend, environment) as later:
        assert "def clamp" in await later.run(f"result = open({where!r}).read()")


async def test_the_variables_are_the_same_on_any_host(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, environment = built
    monkeypatch.setenv("A_SECRET", "of the host")
    async with probing(backend, environment) as probe:
        found = await probe.run("import os; result = dict(os.environ)")
    assert "A_SECRET" not in found
    expected = {
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FROM_THE_PLAN": "yes",
    }
    assert {name: found.get(name) for name in expected} == expected


async def test_a_build_sees_nothing_of_the_host_but_what_it_is_given(
    tmp_path: Path, isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of the host")
    checkout = tmp_path / "checkout"
    (checkout / "backend").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "spy"\nbackend-path = ["backend"]\n'
        '[project]\nname = "spied"\nversion = "1"\n'
    )
    (checkout / "backend" / "spy.py").write_text(
        "import os\n"
        "def build_wheel(*arguments, **settings):\n"
        "    raise SystemExit('saw ' + ' '.join(sorted(os.environ)))\n"
    )
    backend = LocalBackend(tmp_path / "cache", runner=PROBE, isolation=isolation)
    with pytest.raises(BuildFailed) as caught:
        await build(backend, checkout, plan((".",), python=OWN), GIVEN="1")
    assert "GIVEN" in caught.value.detail
    assert "A_SECRET" not in caught.value.detail


async def test_a_failed_install_is_named_and_leaves_no_environment(
    tmp_path: Path, isolation: Isolation
) -> None:
    backend = LocalBackend(tmp_path / "cache", runner=PROBE, isolation=isolation)
    with pytest.raises(BuildFailed) as caught:
        await build(backend, tmp_path / "checkout", plan(("./absent",), python=OWN))
    assert caught.value.reason == "install-failed"
    assert "absent" in caught.value.detail
    assert len(caught.value.detail) <= 4100
    assert not list((tmp_path / "cache" / "envs").glob("*/ready.json"))


async def test_an_absent_python_is_named(tmp_path: Path, isolation: Isolation) -> None:
    backend = LocalBackend(tmp_path / "cache", runner=PROBE, isolation=isolation)
    with pytest.raises(BuildFailed) as caught:
        await build(backend, tmp_path / "checkout", plan(python="3.99"))
    assert caught.value.reason == "python-unavailable"


async def test_the_tree_is_one_commit_without_a_remote(built: Built) -> None:
    backend, environment = built
    async with probing(backend, environment) as probe:
        found = await probe.run(
            """
            import subprocess
            def git(*words):
                done = subprocess.run(["git", *words], capture_output=True, text=True)
                return done.stdout.strip() + done.stderr.strip()
            result = [git("log", "--all", "--format=%an %ct"), git("remote"),
                      git("status", "--porcelain")]
            """
        )
    assert found == ["bugfoundry 946684800", "", ""]


async def test_a_closed_sandbox_leaves_nothing(built: Built, tmp_path: Path) -> None:
    backend, environment = built
    async with probing(backend, environment) as probe:
        assert len(places(tmp_path)) == 1
        await probe.run("import os; os.makedirs('locked/in'); os.chmod('locked', 0)")
    assert places(tmp_path) == []


async def test_what_a_killed_process_left_is_removed(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, environment = built
    script = f"""
import asyncio, os, signal
from pathlib import Path
from harness.sandboxes.local_backend import LocalBackend
from tests.harness.probes import PROBE, SMALL, build, plan
async def main():
    backend = LocalBackend(Path({str(tmp_path / "cache")!r}), runner=PROBE,
                           isolation={backend.isolation!r})
    found = await build(backend, Path({str(tmp_path / "checkout")!r}),
                        plan(python={OWN!r}, FROM_THE_PLAN="yes"))
    await backend.start(found, limits=SMALL)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    monkeypatch.setenv("TMPDIR", str(scratch := tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    scratch.mkdir()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    await process.wait()
    left, scratch_left = places(tmp_path), len(list(scratch.iterdir()))
    async with probing(backend, environment):
        pass
    assert (len(left), scratch_left) == (1, int(backend.isolation == "process"))
    assert (places(tmp_path), list(scratch.iterdir())) == ([], [])


async def test_all_that_a_test_started_dies_with_the_channel(built: Built, tmp_path: Path) -> None:
    backend, environment = built
    name = f"marker-{os.getpid()}-{backend.isolation}"
    async with probing(backend, environment) as probe:
        await probe.run(
            f"""
            import subprocess, sys
            code = "import time; time.sleep(600)"
            subprocess.Popen([sys.executable, "-c", code, {name!r}], start_new_session=True)
            """
        )
        assert await becomes(name, running=True)
        await probe.channel.close()
        assert await becomes(name, running=False)


async def becomes(name: str, *, running: bool) -> bool:
    """Wait until processes with a word among their arguments run, or run no more."""
    for _ in range(1200):
        if bool(pids_of(name)) is running:
            return True
        await asyncio.sleep(0.05)
    return False


def pids_of(name: str) -> list[str]:
    """Ids of the processes with a word among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if name.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


async def test_a_runner_that_dies_says_its_last_words(built: Built) -> None:
    backend, environment = built
    async with probing(backend, environment) as probe:
        with pytest.raises(SandboxError, match="last words"):
            await probe.run("import os; os.write(2, b'last words\\n'); os._exit(3)")


async def test_a_silent_runner_times_out(built: Built) -> None:
    backend, environment = built
    async with probing(backend, environment) as probe:
        with pytest.raises(TimeoutError):
            await probe.run("import time; time.sleep(60)", timeout=0.3)


async def test_a_second_runner_can_be_started(built: Built) -> None:
    backend, environment = built
    async with probing(backend, environment) as probe:
        await probe.channel.close()
        probe.channel = await probe.sandbox.runner()
        assert await probe.run("result = 7") == 7


async def test_large_files_are_refused(built: Built) -> None:
    backend, environment = built
    code = """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("large", "wb") as file:
        file.write(bytes(32 << 20))
    """
    async with probing(backend, environment) as probe:
        assert (await probe.run(code))["error"] == "OSError"


async def test_memory_is_limited(built: Built) -> None:
    backend, environment = built
    async with probing(backend, environment) as probe:
        assert (await probe.run("result = len(bytearray(2 << 30))"))["error"] == "MemoryError"


async def test_an_environment_that_is_gone_is_refused(built: Built, tmp_path: Path) -> None:
    backend, environment = built
    shutil.rmtree(tmp_path / "cache" / "envs" / environment.handle)
    assert not await backend.exists(environment)
    with pytest.raises(SandboxError, match="gone"):
        async with probing(backend, environment):
            pass


async def test_there_is_no_network(caged: Built) -> None:
    backend, environment = caged
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        async with probing(backend, environment) as probe:
            answer = await probe.run(
                f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5)"
            )
            interfaces = await probe.run(
                "import socket; result = [name for _, name in socket.if_nameindex()]"
            )
    assert answer["error"] == "ConnectionRefusedError"
    assert interfaces == ["lo"]


@pytest.mark.parametrize("path", ["/usr/x", "/etc/x", "/x", "/dev/x", "venv"])
async def test_writes_outside_the_tree_are_refused(caged: Built, path: str) -> None:
    backend, environment = caged
    async with probing(backend, environment) as probe:
        target = repr(path) if path != "venv" else "os.environ['VIRTUAL_ENV'] + '/x'"
        answer = await probe.run(f"import os; open({target}, 'w')")
        assert answer["error"] in ("OSError", "PermissionError")


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
async def test_scratch_space_is_limited(caged: Built, folder: str) -> None:
    backend, environment = caged
    code = f"""
    for number in range(6):
        with open("{folder}/%d" % number, "wb") as file:
            file.write(bytes(4 << 20))
    """
    async with probing(backend, environment) as probe:
        assert (await probe.run(code))["errno"] == 28


async def test_the_user_is_not_root_and_has_no_powers(caged: Built) -> None:
    backend, environment = caged
    async with probing(backend, environment) as probe:
        found = await probe.run(
            """
            import getpass, os
            status = dict(line.split(":\\t") for line in open("/proc/self/status"))
            result = [os.getuid(), os.getgid(), getpass.getuser(), status["CapEff"].strip(),
                      status["CapBnd"].strip(), status["NoNewPrivs"].strip(), os.getgroups()]
            """
        )
    uid, gid, name, effective, bounding, no_new, groups = found
    assert uid >= 1000
    assert gid >= 1000
    assert name == "sandbox"
    assert int(effective, 16) == int(bounding, 16) == 0
    assert no_new == "1"
    assert 0 not in groups


async def test_the_host_is_out_of_sight(caged: Built, tmp_path: Path) -> None:
    backend, environment = caged
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    async with probing(backend, environment) as probe:
        answer = await probe.run(f"result = open({str(secret)!r}).read()")
        pids = await probe.run("import os; result = sum(n.isdigit() for n in os.listdir('/proc'))")
    assert answer["error"] == "FileNotFoundError"
    assert pids < 6


async def test_processes_are_limited(caged: Built) -> None:
    backend, environment = caged
    code = """
    import os, time
    result = 0
    try:
        while result < 4000:
            if os.fork() == 0:
                time.sleep(600)
            result += 1
    except BlockingIOError:
        result = "refused"
    """
    async with probing(backend, environment) as probe:
        assert await probe.run(code) == "refused"


def test_the_plain_process_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        backend = LocalBackend(tmp_path, runner=PROBE, isolation="process")
    assert backend.isolation == "process"
    assert "without bubblewrap" in caplog.text

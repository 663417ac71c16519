"""The docker sandbox: what is in the image, what a container keeps apart, what it promises."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import docker
import msgspec
import pytest
from docker.models.containers import Container

from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.docker_layers import DEPENDENCIES, ENVIRONMENT
from harness.sandboxes.docker_owners import BUILDER, OWNER
from harness.sandboxes.garbage import docker_garbage, remove
from harness.sandboxes.sandbox import BuildFailed, SandboxLimits
from storage.errors import SandboxError
from storage.records import Environment
from storage.tables.rows import to_json
from tests.harness.probes import EDITABLE, PROBE, SMALL, Probe, build, plan, probing

pytestmark = pytest.mark.docker
GIVEN = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
Client = docker.DockerClient


@pytest.fixture(scope="module")
def backend(engine: Client) -> DockerBackend:
    return DockerBackend(runner=PROBE, client=engine)


@pytest.fixture(scope="module")
def environment(
    backend: DockerBackend, engine: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    wanted = plan(FROM_THE_PLAN=uuid4().hex)
    found = asyncio.run(build(backend, tmp_path_factory.mktemp("checkout"), wanted))
    yield found
    engine.images.remove(found.handle, force=True)


@pytest.fixture
async def probe(backend: DockerBackend, environment: Environment) -> AsyncIterator[Probe]:
    async with probing(backend, environment) as found:
        yield found


def ours(engine: Client) -> set[str]:
    """Ids of the containers that this process started."""
    return {str(each.id) for each in containers_of(engine, os.getpid())}


def containers_of(engine: Client, pid: int) -> list[Container]:
    """The containers that a process started."""
    return engine.containers.list(all=True, filters={"label": f"{OWNER}={pid}"})


async def test_an_environment_says_what_it_is(environment: Environment, engine: Client) -> None:
    labels = engine.images.get(environment.handle).labels
    assert environment.python.startswith("3.11.")
    assert environment.base.startswith("sha256:")
    assert labels["bugfoundry.tree"] == environment.tree


async def test_a_second_build_gives_back_the_first(
    backend: DockerBackend, environment: Environment, tmp_path: Path
) -> None:
    again = await build(backend, tmp_path / "checkout", environment.plan)
    assert again == environment
    assert await backend.exists(environment)


async def test_nothing_of_the_build_stays_in_the_image(probe: Probe) -> None:
    found = await probe.run(
        """
        import os
        result = [
            os.path.join(folder, name)
            for folder, folders, names in os.walk("/")
            for name in folders + names
            if not folder.startswith(("/proc", "/sys", "/usr", "/run"))
            and (name in ("uv", "__pycache__", "certificates.pem") or "bugfoundry" in name)
            and not folder.startswith("/opt/venv/lib")
        ]
        """
    )
    assert found == []


async def test_the_tree_is_one_commit_without_a_remote(probe: Probe) -> None:
    found = await probe.run(
        """
        import os, subprocess
        def git(*words):
            done = subprocess.run(["git", *words], capture_output=True, text=True)
            return done.stdout.strip() + done.stderr.strip()
        result = [os.getcwd(), git("log", "--all", "--format=%an %ct"), git("remote"),
                  git("status", "--porcelain")]
        """
    )
    assert found == ["/testbed", "bugfoundry 946684800", "", ""]


async def test_the_user_has_a_name_and_a_home(probe: Probe) -> None:
    ask = "import getpass, os, pwd; u = pwd.getpwuid(os.getuid()); result = [u.pw_name, u.pw_dir]"
    assert await probe.run(ask) == ["sandbox", "/tmp"]


async def test_each_container_has_its_own_tree(
    backend: DockerBackend, environment: Environment, probe: Probe
) -> None:
    where = "src/shop/__init__.py"
    await probe.run(f"open({where!r}, 'w').write('broken')")
    async with probing(backend, environment) as other:
        assert "def clamp" in await other.run(f"result = open({where!r}).read()")


async def test_the_variables_are_the_same_on_any_host(
    probe: Probe, environment: Environment
) -> None:
    found = await probe.run("import os; result = dict(os.environ)")
    expected = {
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict(environment.plan.env),
    }
    assert {name: found.get(name) for name in expected} == expected
    assert "SSL_CERT_FILE" not in found


async def test_the_user_is_not_root_and_has_no_powers(probe: Probe) -> None:
    uid, effective, bounding, no_new = await probe.run(
        """
        import os
        status = dict(line.split(":\\t") for line in open("/proc/self/status"))
        result = [os.getuid(), *(status[n].strip() for n in ("CapEff", "CapBnd", "NoNewPrivs"))]
        """
    )
    assert uid == 1000
    assert int(effective, 16) == int(bounding, 16) == 0
    assert no_new == "1"


async def test_there_is_no_network(probe: Probe) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        answer = await probe.run(
            f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5)"
        )
    interfaces = await probe.run(
        "import socket; result = [name for _, name in socket.if_nameindex()]"
    )
    assert answer["error"] == "ConnectionRefusedError"
    assert interfaces == ["lo"]


@pytest.mark.parametrize("path", ["/usr/x", "/etc/x", "/x", "/opt/venv/x", "/home/x"])
async def test_writes_outside_the_tree_are_refused(probe: Probe, path: str) -> None:
    assert (await probe.run(f"open({path!r}, 'w')"))["error"] == "OSError"


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
async def test_scratch_space_is_limited(probe: Probe, folder: str) -> None:
    code = f"""
    for number in range(20):
        with open("{folder}/%d" % number, "wb") as file:
            file.write(bytes(4 << 20))
    """
    assert (await probe.run(code))["errno"] == 28


async def test_large_files_are_refused(probe: Probe) -> None:
    code = """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("large", "wb") as file:
        file.write(bytes(32 << 20))
    """
    assert (await probe.run(code))["error"] == "OSError"


async def test_processes_are_limited(probe: Probe) -> None:
    code = """
    import os, time
    result = 0
    try:
        while result < 4000:
            if os.fork() == 0:
                time.sleep(600)
            result += 1
    except BlockingIOError:
        pass
    """
    assert SMALL.pids // 2 < await probe.run(code) < SMALL.pids


async def test_memory_is_limited(probe: Probe) -> None:
    with pytest.raises(SandboxError):
        await probe.run("result = len(bytes(bytearray(b'x') * (1 << 30)))")


async def test_a_runner_that_dies_says_its_last_words(probe: Probe) -> None:
    with pytest.raises(SandboxError, match="last words"):
        await probe.run("import os; os.write(2, b'last words\\n'); os._exit(3)")


async def test_a_silent_runner_times_out(probe: Probe) -> None:
    with pytest.raises(TimeoutError):
        await probe.run("import time; time.sleep(60)", timeout=0.3)


async def test_large_frames_come_whole(probe: Probe) -> None:
    assert await probe.run(f"result = len({'x' * (3 << 20)!r})") == 3 << 20
    assert len(await probe.run("result = 'x' * (3 << 20)")) == 3 << 20


async def test_a_new_runner_finds_nothing_of_the_old_one_running(probe: Probe) -> None:
    await probe.run(
        """
        import subprocess, sys
        code = "import time; time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", code, "left-behind"], start_new_session=True)
        """
    )
    await probe.channel.send({"code": "import time; time.sleep(600)"})
    await probe.channel.close()
    probe.channel = await probe.sandbox.runner()
    found = await probe.run(
        """
        import glob
        result = [open(name).read() for name in glob.glob("/proc/[0-9]*/cmdline")]
        """
    )
    assert sum("probe" in text or "runner.zip" in text for text in found) == 1
    assert not [text for text in found if "left-behind" in text]


async def test_a_closed_sandbox_leaves_nothing(
    backend: DockerBackend, environment: Environment, engine: Client
) -> None:
    volumes = {each.id for each in engine.volumes.list()}
    started = ours(engine)
    async with probing(backend, environment):
        assert len(ours(engine) - started) == 1
    assert ours(engine) == started
    assert {each.id for each in engine.volumes.list()} <= volumes


async def test_what_a_killed_process_left_is_removed(
    backend: DockerBackend, environment: Environment, engine: Client
) -> None:
    script = f"""
import asyncio, os, signal
import msgspec
from harness.sandboxes.docker_backend import DockerBackend
from storage.records import Environment
from tests.harness.probes import PROBE, SMALL
async def main():
    found = msgspec.json.decode({msgspec.json.encode(environment)!r}, type=Environment)
    await DockerBackend(runner=PROBE).start(found, limits=SMALL)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    await process.wait()
    left = containers_of(engine, process.pid)
    async with probing(backend, environment):
        pass
    assert len(left) == 1
    assert containers_of(engine, process.pid) == []


async def test_a_failed_install_is_named_and_leaves_nothing(
    backend: DockerBackend, engine: Client, tmp_path: Path
) -> None:
    before = {each.id for each in engine.containers.list(all=True)}
    images = {each.id for each in engine.images.list(ENVIRONMENT)}
    with pytest.raises(BuildFailed) as caught:
        await build(backend, tmp_path / "checkout", plan(("./absent",)))
    assert caught.value.reason == "install-failed"
    assert "absent" in caught.value.detail
    assert {each.id for each in engine.containers.list(all=True)} <= before
    assert {each.id for each in engine.images.list(ENVIRONMENT)} <= images


async def test_a_step_that_takes_too_long_is_named(
    backend: DockerBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.sandboxes.docker_build.BUILD_TIMEOUT", 3)
    checkout = tmp_path / "checkout"
    (checkout / "backend").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "slow"\nbackend-path = ["backend"]\n'
        '[project]\nname = "slow"\nversion = "1"\n'
    )
    (checkout / "backend" / "slow.py").write_text("import time\ntime.sleep(600)\n")
    with pytest.raises(BuildFailed) as caught:
        await build(backend, checkout, plan((".",)))
    assert caught.value.reason == "timeout"


async def test_an_absent_python_is_named(backend: DockerBackend, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        await build(backend, tmp_path / "checkout", plan(python="3.9"))
    assert caught.value.reason == "python-unavailable"


async def test_an_absent_base_image_tells_the_way_out(engine: Client, tmp_path: Path) -> None:
    backend = DockerBackend(base_image="localhost:1/no/such:image", runner=PROBE, client=engine)
    with pytest.raises(BuildFailed) as caught:
        await build(backend, tmp_path / "checkout", plan())
    assert caught.value.reason == "no-base-image"
    assert "bugfoundry images base" in str(caught.value)


async def test_a_sandbox_outlives_the_start_of_another_though_its_images_builder_is_gone(
    backend: DockerBackend, environment: Environment, engine: Client
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    container = engine.containers.create(environment.handle)
    image = container.commit(conf={"Labels": {BUILDER: str(ended.pid)}})
    container.remove()
    old = replace(environment, handle=str(image.id))
    try:
        first = await backend.start(old, limits=SandboxLimits())
        second = await backend.start(old, limits=SandboxLimits())
        assert len(ours(engine)) == 2
        await first.close()
        await second.close()
    finally:
        engine.images.remove(str(image.id), force=True)


UNSEEN = """
import asyncio, sys
from pathlib import Path
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.sandbox import SandboxLimits
from storage.tables.rows import from_json
from storage.records import Environment

async def main():
    backend = DockerBackend(runner=Path(sys.argv[1]))
    sandbox = await backend.start(from_json(sys.stdin.read(), Environment), limits=SandboxLimits())
    try:
        channel = await sandbox.runner()
        print(sandbox._container.attrs["Mounts"][0]["Type"])
        await channel.send({"code": "result = 7"})
        print((await channel.receive(timeout=30))["result"])
    finally:
        await sandbox.close()

asyncio.run(main())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="mounting needs root")
def test_a_runner_that_the_engine_does_not_see_is_carried_to_it(
    environment: Environment, tmp_path: Path
) -> None:
    """As when we are in a container ourselves, and have only the engine's socket."""
    script = (
        'mount -t tmpfs none "$1" && cp "$2" "$1/runner.zip" && exec "$3" -c "$4" "$1/runner.zip"'
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", tmp_path, PROBE, sys.executable, UNSEEN],
        input=to_json(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.splitlines(), done.returncode) == (["volume", "7"], 0), done.stderr


async def test_an_image_that_is_gone_is_refused(
    backend: DockerBackend, engine: Client, tmp_path: Path
) -> None:
    found = await build(backend, tmp_path / "checkout", plan(ONCE=uuid4().hex))
    engine.images.remove(found.handle, force=True)
    assert not await backend.exists(found)
    with pytest.raises(SandboxError):
        await backend.start(found, limits=SMALL)


@pytest.mark.network
async def test_an_editable_install_is_the_containers_own_tree(
    backend: DockerBackend, engine: Client, tmp_path: Path
) -> None:
    wanted = plan(*EDITABLE, ONCE=uuid4().hex)
    found = await build(backend, tmp_path / "checkout", wanted, **GIVEN)
    try:
        locked = found.lock.splitlines()
        assert any(line.startswith("pytest==") for line in locked)
        assert [line for line in locked if not re.fullmatch(r"[\w.-]+==[\w.+!-]+", line)] == []
        async with probing(backend, found) as probe:
            await probe.run("open('src/shop/__init__.py', 'a').write('MARK = 1')")
            told = await probe.run(
                """
                import subprocess, sys
                code = "import shop; print(shop.__file__, shop.MARK)"
                ask = [[sys.executable, "-c", code], ["git", "status", "--porcelain"]]
                result = [subprocess.run(a, capture_output=True, text=True).stdout for a in ask]
                """
            )
        assert told[0].split() == ["/testbed/src/shop/__init__.py", "1"]
        assert told[1].split() == ["M", "src/shop/__init__.py"]
    finally:
        engine.images.remove(found.handle, force=True)


@pytest.mark.network
async def test_equal_inputs_give_equal_layers_and_a_new_commit_reuses_the_dependencies(
    backend: DockerBackend, engine: Client, tmp_path: Path
) -> None:
    wanted = plan(*EDITABLE, ONCE=uuid4().hex)
    checkout = tmp_path / "checkout"
    built = []
    try:
        for _ in range(2):
            await build(backend, checkout, wanted, **GIVEN)
            built.append(await backend.build(checkout, "0" * 40, wanted, env=GIVEN, fresh=True))
        one, two = (engine.images.get(found.handle) for found in built)
        assert one.attrs["RootFS"]["Layers"] == two.attrs["RootFS"]["Layers"]
        (checkout / "src" / "shop" / "new.py").write_text("NEW = 1\n")
        built.append(await backend.build(checkout, "1" * 40, wanted, env=GIVEN))
        other = engine.images.get(built[-1].handle)
        assert other.attrs["RootFS"]["Layers"][:-1] == two.attrs["RootFS"]["Layers"][:-1]
        assert other.attrs["RootFS"]["Layers"] != two.attrs["RootFS"]["Layers"]
    finally:
        for handle in {found.handle for found in built}:
            engine.images.remove(handle, force=True)


@pytest.mark.network
async def test_system_packages_are_in_the_image(
    backend: DockerBackend, engine: Client, tmp_path: Path
) -> None:
    wanted = replace(plan(ONCE=uuid4().hex), system=("less",))
    found = await build(backend, tmp_path / "checkout", wanted, **GIVEN)
    try:
        async with probing(backend, found) as probe:
            assert await probe.run("import shutil; result = shutil.which('less')")
    finally:
        engine.images.remove(found.handle, force=True)


async def test_what_no_environment_needs_is_collected(
    backend: DockerBackend, engine: Client, tmp_path: Path
) -> None:
    kept = await build(backend, tmp_path / "kept", plan(ONCE=uuid4().hex))
    gone = await build(backend, tmp_path / "gone", plan(ONCE=uuid4().hex))
    labels = {found.handle: engine.images.get(found.handle).labels for found in (kept, gone)}
    below = {h: f"{DEPENDENCIES}:{labels[h]['bugfoundry.dependencies']}" for h in labels}
    others = {str(each.id) for each in engine.images.list(ENVIRONMENT)} - set(labels)
    found = docker_garbage(engine, keep={kept.handle, *others}, before=time.time() + 60)
    named = {each.name for each in found}
    assert below[gone.handle] in named
    assert below[kept.handle] not in named
    mine = [each for each in found if each.handle == gone.handle or each.name in below.values()]
    assert mine[0].handle == gone.handle
    assert all(remove(each, engine) for each in mine)
    assert not await backend.exists(gone)
    assert await backend.exists(kept)
    engine.images.remove(kept.handle, force=True)
